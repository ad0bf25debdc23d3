//! What can be typed of the rehearsal loop: checkpoint, reset, diff.
use clap::{Args, Subcommand};
use std::time::Duration;

/// The checkpoint that is meant when none is named.
pub const DEFAULT_NAME: &str = "golden";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Save {
    /// Its name; one of that name is replaced when the new one is complete [default: golden]
    pub name: Option<String>,
    /// Keep a small idle Pod, so that `reset` and `diff` need not wait for one to start
    #[arg(long)]
    pub warm: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Shelf {
    /// Which checkpoints there are: when taken, of which data, how big, by whom
    List,
    /// All that is known of one
    Show {
        /// The checkpoint's name
        name: String,
    },
    /// Remove one
    Delete {
        /// The checkpoint's name
        name: String,
    },
    /// Remove the idle Pod of --warm; the checkpoints stay
    Cool,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Reset {
    /// The checkpoint
    #[arg(default_value = DEFAULT_NAME)]
    pub name: String,
    /// Pause Argo CD and stop the sandbox meanwhile, as a refresh does
    #[arg(long)]
    pub offline: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Difference {
    /// The checkpoint
    #[arg(default_value = DEFAULT_NAME)]
    pub name: String,
    /// The rows themselves, by primary key, with old and new values
    #[arg(long)]
    pub rows: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}

/// `30`, `30s`, `2m`, `500ms`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| format!("{text:?} is no time such as 30s, 2m or 500ms"))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number.into())),
        "" | "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(60 * u64::from(number))),
        unit => Err(format!("{unit:?} is no unit of time: ms, s or m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        let read = |text| time(text).ok();
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("2m"), Some(Duration::from_secs(120)));
        assert_eq!(read("0s"), Some(Duration::ZERO));
        for bad in ["", "s", "-1s", "1h", "1.5s"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
