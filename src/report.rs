//! What a run tells: events for people on stderr, the result on stdout. Nobody else prints.
mod bars;
mod lines;
mod live;
mod paint;
mod screen;
mod wrap;

use std::fmt::{self, Display};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

/// Something a person wants to know while it happens. The words are written once, here.
pub enum Event<'a> {
    StepStarted {
        number: usize,
        of: usize,
        title: &'a str,
        /// How long it took the last time, if that is known.
        usual: Option<Duration>,
    },
    /// Where a step is just now; the next one replaces it.
    Progress {
        text: &'a dyn Display,
    },
    /// How many bytes the step has moved, and of how many.
    Moved {
        done: u64,
        total: Option<u64>,
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
    /// The run has ended, and what it changed is put back now.
    PuttingBack,
    Undone {
        undo: &'a dyn Display,
        /// Otherwise the last words tell why, and what to do.
        done: bool,
    },
    /// The end of [`Event::PuttingBack`].
    PutBack,
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
            Self::StepStarted { number, of, title, .. } => write!(f, "[{number}/{of}] {title}"),
            Self::Progress { text } => write!(f, "      {text}"),
            Self::Moved { done, total: None } => write!(f, "      {}", size(*done)),
            Self::Moved { done, total: Some(total) } => write!(f, "      {} of {}", size(*done), size(*total)),
            Self::Log { line } => write!(f, "    | {line}"),
            Self::Note { text } => write!(f, "      {text}"),
            Self::Warning { text } => write!(f, "warning: {text}"),
            Self::StepDone { title, elapsed } => {
                write!(f, "      done in {:.1} s: {title}", elapsed.as_secs_f64())
            }
            Self::PuttingBack => write!(f, "putting back what this run has changed"),
            Self::PutBack => Ok(()),
            Self::Undone { undo, done: true } => write!(f, "put back: {undo}"),
            Self::Undone { undo, done: false } => write!(f, "cannot be put back now: {undo}"),
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
            Event::PutBack => false,
            _ => self >= Self::Normal,
        }
    }
}

/// A line that moves for a person; plain lines for a log, for a terminal that can only print, for CI, and with -v, as what
/// moves would tear the log's lines apart. Of a command that only `looks` the result is what is wanted, and not its steps.
pub fn on_stderr(detail: Detail, looks: bool) -> Box<dyn Report> {
    let terminal = stderr().is_terminal();
    let paint = paint::Paint::of_environment(terminal);
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
    match terminal && detail == Detail::Normal && !paint::is_dumb() && !ci {
        true => Box::new(bars::Bars::new(paint)),
        false => Box::new(lines::Lines::new(detail, paint, looks)),
    }
}

/// Bytes as a person reads them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// "1 file", "2 files".
pub fn many(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Several sentences, each on a line of its own below what is said of all of them.
pub fn listed(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| format!("\n  - {sentence}")).collect()
}

/// How many columns the text of a result has, where a terminal shows it.
pub fn columns() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked().filter(|_| stdout().is_terminal())?;
    // The last column stays free: some terminals wrap as soon as it is written.
    Some(usize::from(columns).saturating_sub(1).max(1))
}

/// A result of facts, a line each: names, and what is said of them `indent` columns from the left. A terminal gets it wrapped at words.
///
/// # Errors
/// As [`result`].
pub fn facts(text: &str, indent: usize) -> std::io::Result<()> {
    match columns() {
        Some(columns) => result(&wrap::wrapped(text, indent, columns)),
        None => result(text),
    }
}

/// The result of a run, on stdout.
///
/// # Errors
/// Stdout is full. A reader that has gone is none.
pub fn result(text: &str) -> std::io::Result<()> {
    match text {
        "" => Ok(()),
        text => match writeln!(stdout(), "{text}") {
            // `| head` has read what it wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        },
    }
}
