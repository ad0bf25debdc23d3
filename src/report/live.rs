//! What runs just now, as one line: how far it is, how fast, how long it takes.
use super::paint::Paint;
use super::{Event, size};
use console::measure_text_width;
use std::time::{Duration, Instant};

/// Below this a rate says nothing yet.
const RATE_AFTER: Duration = Duration::from_millis(500);
/// Fewer columns of a status are not worth showing.
const WORTH: usize = 8;

/// A step while it runs.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) title: String,
    place: String,
    started: Instant,
    usual: Option<Duration>,
    text: Option<String>,
    moved: Option<Moved>,
}

#[derive(Clone, Copy, Debug)]
struct Moved {
    since: Instant,
    done: u64,
    total: Option<u64>,
}

impl Live {
    /// `None` when nothing begins with this event.
    pub(super) fn begun(event: &Event<'_>) -> Option<Self> {
        let (title, place, usual) = match event {
            Event::StepStarted { number, of, title, usual } => (*title, format!("[{number}/{of}]"), *usual),
            Event::PuttingBack => ("Putting back", String::new(), None),
            _ => return None,
        };
        Some(Self { title: title.to_owned(), place, started: Instant::now(), usual, text: None, moved: None })
    }

    /// Whether the event was about this step, and said something new in words.
    pub(super) fn hear(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Progress { text } => {
                let text = text.to_string();
                let new = self.text.as_ref() != Some(&text);
                (self.text, self.moved) = (Some(text), None);
                new
            }
            Event::Moved { done, total } => {
                let since = self.moved.map_or_else(Instant::now, |moved| moved.since);
                self.moved = Some(Moved { since, done: *done, total: *total });
                false
            }
            _ => false,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// For a log: all that is known, whatever its length.
    pub(super) fn status(&self) -> String {
        let (status, rest) = self.parts(Instant::now());
        let parts: Vec<String> = status.into_iter().chain(rest).collect();
        let so_far = span(self.elapsed());
        match parts.is_empty() {
            true => format!("{so_far} so far"),
            false => format!("{so_far}: {}", parts.join(", ")),
        }
    }

    /// For a terminal: never wider than `width`. What matters least goes first: the rate, the time that is left, the
    /// status, the time so far; at last the title is cut.
    pub(super) fn line(&self, width: usize, paint: Paint) -> String {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.started);
        let spinner = paint.spinner((elapsed.as_millis() / 120) as usize);
        let head = [spinner, &self.place, &self.title];
        let head: Vec<&str> = head.into_iter().filter(|part| !part.is_empty()).collect();
        let head = cut(&head.join(" "), width, paint);
        let mut room = width - measure_text_width(&head);
        let mut take = |text: String, may_be_cut: bool| {
            let text = format!("  {text}");
            let text = if may_be_cut && room >= WORTH { cut(&text, room, paint) } else { text };
            let fits = measure_text_width(&text) <= room;
            room -= if fits { measure_text_width(&text) } else { 0 };
            if fits { text } else { String::new() }
        };
        let (status, [rate, left]) = self.parts_for_a_line(now);
        let so_far = take(span(elapsed), false);
        let status = status.map_or(String::new(), |status| take(status, true));
        let left = left.map_or(String::new(), |left| take(left, false));
        let rate = rate.map_or(String::new(), |rate| take(rate, false));
        let head = head.replacen(spinner, &paint.accent(spinner), 1);
        format!("{head}{}", paint.dim(&format!("{status}{rate}{left}{so_far}")))
    }

    fn parts(&self, now: Instant) -> (Option<String>, Vec<String>) {
        let (status, rest) = self.parts_for_a_line(now);
        (status, rest.into_iter().flatten().collect())
    }

    /// What it does; its rate and the time that is left.
    fn parts_for_a_line(&self, now: Instant) -> (Option<String>, [Option<String>; 2]) {
        let Some(Moved { since, done, total }) = self.moved else {
            return (self.text.clone(), [None, self.left_as_usual(now)]);
        };
        let took = now.saturating_duration_since(since);
        let rate = (took >= RATE_AFTER).then(|| done as f64 / took.as_secs_f64()).filter(|rate| *rate >= 1.0);
        let left = rate.zip(total).map(|(rate, total)| total.saturating_sub(done) as f64 / rate);
        let status = match total {
            Some(total) => format!("{} of {}", size(done), size(total)),
            None => size(done),
        };
        let left = left.map(|left| format!("{} left", span(Duration::from_secs_f64(left))));
        (Some(status), [rate.map(|rate| format!("{}/s", size(rate as u64))), left.or_else(|| self.left_as_usual(now))])
    }

    fn left_as_usual(&self, now: Instant) -> Option<String> {
        let usual = self.usual?;
        let elapsed = now.saturating_duration_since(self.started);
        match usual.checked_sub(elapsed) {
            Some(left) => Some(format!("about {} left", span(left))),
            None => Some(format!("{} the last time", span(usual))),
        }
    }
}

/// At most `width` columns of it.
fn cut(text: &str, width: usize, paint: Paint) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(paint.cut().chars().count());
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if measure_text_width(&short) > room {
            short.pop();
            break;
        }
    }
    short += paint.cut();
    short.chars().take(width).collect()
}

/// A time as a person reads it.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { colours: false, unicode: true };

    fn live(usual: Option<u64>, ago: u64) -> Live {
        let usual = usual.map(Duration::from_secs);
        let begun = Live::begun(&Event::StepStarted { number: 3, of: 12, title: "Restore into the sandbox", usual });
        let mut live = begun.expect("a step");
        live.started = Instant::now().checked_sub(Duration::from_secs(ago)).expect("the machine is up for longer");
        live
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut live = live(Some(3700), 5);
        live.hear(&Event::Progress { text: &"wiping and restoring, in one transaction, of 界界界界 wide letters" });
        let mut moving = live.clone();
        moving.hear(&Event::Moved { done: 123_456_789, total: Some(987_654_321_000) });
        for paint in [PLAIN, Paint { colours: true, unicode: false }] {
            for width in 1..200 {
                for live in [&live, &moving] {
                    let line = live.line(width, paint);
                    assert!(measure_text_width(&line) <= width, "{width}: {line:?}");
                    assert!(!line.contains('\n'));
                }
            }
        }
    }

    #[test]
    fn what_matters_least_goes_first() {
        let mut live = live(Some(20), 5);
        assert_eq!(&live.line(39, PLAIN)["⠋".len()..], " [3/12] Restore into the sandbox  5 s");
        live.hear(&Event::Progress { text: &"restored and found equal" });
        let line = live.line(100, PLAIN);
        assert!(line.contains("  restored and found equal  about 14 s left  5 s"), "{line}");
        let line = live.line(50, PLAIN);
        assert!(line.contains("…") && line.ends_with("  5 s") && !line.contains("left"), "{line}");
    }

    #[test]
    fn bytes_give_a_rate_and_what_is_left() {
        let mut live = live(Some(2), 10);
        live.hear(&Event::Moved { done: 50_000_000, total: Some(200_000_000) });
        live.moved.as_mut().expect("it moved").since = live.started;
        assert_eq!(live.status(), "10 s: 50 MB of 200 MB, 4999 kB/s, 30 s left");
        live.hear(&Event::Progress { text: &"listing again" });
        assert_eq!(live.status(), "10 s: listing again, 2 s the last time");
    }

    #[test]
    fn spans_are_for_people() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([of(0), of(59), of(61), of(3720)], ["0 s", "59 s", "1 min 01 s", "1 h 02 min"]);
    }
}
