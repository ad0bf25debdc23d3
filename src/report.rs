//! What a run tells: events for people on stderr, the result on stdout. Nobody else prints.
mod bars;
mod lines;

use std::fmt::{self, Display};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

/// Something a person wants to know while it happens. The words are written once, here.
pub enum Event<'a> {
    StepStarted {
        number: usize,
        of: usize,
        title: &'a str,
    },
    /// Where a step is just now; the next one replaces it.
    Progress {
        text: &'a dyn Display,
    },
    /// A line of a container's log; shown with -v.
    Log {
        line: &'a str,
    },
    /// A fact worth keeping in the log of the run.
    Note {
        text: &'a dyn Display,
    },
    Warning {
        text: &'a dyn Display,
    },
    StepDone {
        title: &'a str,
        elapsed: Duration,
    },
    Undone {
        undo: &'a dyn Display,
        error: Option<&'a anyhow::Error>,
    },
    Failed {
        cause: &'a anyhow::Error,
    },
    /// What a person should do now that the run has ended badly.
    Advice {
        text: &'a dyn Display,
    },
}

impl Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepStarted { number, of, title } => write!(f, "[{number}/{of}] {title}"),
            Self::Progress { text } => write!(f, "      {text}"),
            Self::Log { line } => write!(f, "    | {line}"),
            Self::Note { text } => write!(f, "      {text}"),
            Self::Warning { text } => write!(f, "warning: {text}"),
            Self::StepDone { title, elapsed } => {
                write!(f, "      done in {:.1} s: {title}", elapsed.as_secs_f64())
            }
            Self::Undone { undo, error: None } => write!(f, "put back: {undo}"),
            Self::Undone { undo, error: Some(error) } => write!(f, "NOT put back: {undo}: {error:#}"),
            Self::Failed { cause } => write!(f, "error: {cause:#}"),
            Self::Advice { text } => write!(f, "{text}"),
        }
    }
}

/// Where events go.
pub trait Report: Send + Sync {
    fn event(&self, event: Event<'_>);
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    Quiet,
    Normal,
    Verbose,
}

impl Detail {
    fn shows(self, event: &Event<'_>) -> bool {
        match event {
            Event::Failed { .. } | Event::Warning { .. } | Event::Undone { .. } | Event::Advice { .. } => true,
            Event::Log { .. } => self == Self::Verbose,
            _ => self >= Self::Normal,
        }
    }
}

/// Bars for a person, lines for a log; -v means lines too, as a bar would tear them apart.
pub fn on_stderr(detail: Detail) -> Box<dyn Report> {
    match stderr().is_terminal() && detail == Detail::Normal {
        true => Box::new(bars::Bars::default()),
        false => Box::new(lines::Lines::new(detail)),
    }
}

/// The result of a run, on stdout.
///
/// # Errors
/// Stdout is closed or full.
pub fn result(text: &str) -> std::io::Result<()> {
    match text {
        "" => Ok(()),
        text => writeln!(stdout(), "{text}"),
    }
}
