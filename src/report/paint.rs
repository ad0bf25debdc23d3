//! Colours and signs, where they are wanted and can be shown.
use super::Event;
use std::env::var_os;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    pub(super) colours: bool,
    /// The locale can show more than ASCII.
    pub(super) unicode: bool,
}

impl Paint {
    /// By the environment: `NO_COLOR` (no-color.org) wins over `CLICOLOR_FORCE`, and that over what is a terminal.
    pub(super) fn of_environment(terminal: bool) -> Self {
        let set = |name| var_os(name).is_some_and(|value| !value.is_empty());
        let off = |name| var_os(name).is_some_and(|value| value == "0");
        let able = terminal && !is_dumb() && !off("CLICOLOR");
        let forced = set("CLICOLOR_FORCE") && !off("CLICOLOR_FORCE");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(var_os).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_string_lossy().to_uppercase();
        Self {
            colours: !set("NO_COLOR") && (forced || able),
            unicode: locale.contains("UTF-8") || locale.contains("UTF8"),
        }
    }

    fn code(self, code: &str, text: &str) -> String {
        match self.colours && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    pub(super) fn accent(self, text: &str) -> String {
        self.code("36", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.code("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.code("1;31", text)
    }

    /// The event's words; what should be seen first stands out.
    pub(super) fn event(self, event: &Event<'_>) -> String {
        let text = event.to_string();
        let lead = |code: &str| match text.split_once(": ") {
            Some((lead, rest)) => format!("{}: {rest}", self.code(code, lead)),
            None => text.clone(),
        };
        match event {
            Event::StepStarted { .. } | Event::PuttingBack => self.code("1", &text),
            Event::Warning { .. } => lead("33"),
            Event::Failed { .. } => lead("1;31"),
            Event::Undone { done: false, .. } => lead("1;31"),
            Event::Advice { .. } if text.starts_with("NOT put back: ") => lead("1;31"),
            Event::Log { .. } => self.dim(&text),
            _ => text,
        }
    }

    pub(super) fn spinner(self, tick: usize) -> &'static str {
        const BRAILLE: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        const ASCII: [&str; 4] = ["-", "\\", "|", "/"];
        match self.unicode {
            true => BRAILLE[tick % BRAILLE.len()],
            false => ASCII[tick % ASCII.len()],
        }
    }

    pub(super) fn done(self) -> String {
        self.good(if self.unicode { "✓" } else { "+" })
    }

    pub(super) fn failed(self) -> String {
        self.bad(if self.unicode { "✗" } else { "x" })
    }

    pub(super) fn cut(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// A terminal that can do no more than print.
pub(super) fn is_dumb() -> bool {
    var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}
