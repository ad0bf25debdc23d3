//! How old something is, and may be.
use super::duration::age;
use clap::Args;
use std::time::Duration;

/// How old something may be before `status` ends with exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct Ages {
    /// End with exit code 1 if the data is older than this (30m, 36h, 7d, 2w), or its age is not known
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub max_age: Option<Duration>,
    /// End with exit code 1 if production's last successful backup is older than this, or not known
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub max_backup_age: Option<Duration>,
}

/// As a person says it: its largest unit, and no more.
pub fn spoken(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_spoken_in_their_largest_unit() {
        let all = [1, 119, 120, 7200, 100_000, 172_800, -3].map(spoken);
        assert_eq!(all, ["1 second", "119 seconds", "2 minutes", "2 hours", "27 hours", "2 days", "-3 seconds"]);
    }
}
