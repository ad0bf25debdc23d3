//! Medians, and the lines of the table.

/// Measurements of one thing.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    pub(super) fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn highest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    fn lowest(&self) -> f64 {
        self.0[0]
    }
}

/// What a figure must be.
pub(super) enum Target {
    None,
    AtMost(f64),
    AtLeast(f64),
}

pub(super) fn heading(text: &str) {
    println!("\n{text}");
}

/// A line for the median: digits after the point, unit, target and whether it holds.
pub(super) fn line(name: &str, figures: &Figures, digits: usize, unit: &str, target: &Target) {
    let (median, lowest, highest) = (figures.median(), figures.lowest(), figures.highest());
    let spread = format!("({lowest:.digits$} … {highest:.digits$})");
    let judged = match target {
        Target::None => String::new(),
        Target::AtMost(limit) => judged("≤", *limit, median <= *limit, digits, unit),
        Target::AtLeast(limit) => judged("≥", *limit, median >= *limit, digits, unit),
    };
    println!("{}", format!("  {name:<50}{median:>8.digits$} {unit:<4}  {spread:<18}{judged}").trim_end());
}

fn judged(sign: &str, limit: f64, holds: bool, digits: usize, unit: &str) -> String {
    let verdict = if holds { "holds" } else { "MISSED" };
    format!("target {sign} {limit:.digits$} {unit}: {verdict}")
}
