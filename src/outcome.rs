//! How a run ended: the only exit codes.
use crate::settings::Usage;
use crate::shutdown::Interrupted;
use anyhow::Error;
use std::fmt::{self, Display};
use std::process::ExitCode;

/// Something that could not be put back, and the command that does it by hand.
#[derive(Debug)]
pub struct Left {
    pub what: String,
    pub by_hand: String,
    pub error: Error,
}

impl Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NOT put back: {} ({:#}); by hand: {}", self.what, self.error, self.by_hand)
    }
}

/// Why the run ended and what it left behind are two facts.
#[derive(Debug, Default)]
pub struct Outcome {
    pub cause: Option<Error>,
    pub left: Vec<Left>,
    /// What was put back at the end, in the words in which it was told.
    pub put_back: Vec<String>,
}

impl Outcome {
    /// 0 done · 1 failed, all put back · 2 usage · 3 something was NOT put back · 129 SIGHUP · 130 SIGINT · 143 SIGTERM
    pub fn code(&self) -> u8 {
        match &self.cause {
            _ if !self.left.is_empty() => 3,
            None => 0,
            Some(cause) if cause.is::<Usage>() => 2,
            Some(cause) => cause.downcast_ref().map_or(1, Interrupted::exit_code),
        }
    }
}

impl From<Error> for Outcome {
    fn from(cause: Error) -> Self {
        Self { cause: Some(cause), ..Self::default() }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn what_is_left_wins_over_the_cause() {
        let left = || vec![Left { what: "x".into(), by_hand: "y".into(), error: anyhow!("z") }];
        let interrupted = || Some(anyhow!(Interrupted::Sigterm));
        assert_eq!(Outcome { cause: interrupted(), left: left(), ..Outcome::default() }.code(), 3);
        assert_eq!(Outcome { cause: interrupted(), ..Outcome::default() }.code(), 143);
        assert_eq!(Outcome { left: left(), ..Outcome::default() }.code(), 3);
        assert_eq!(Outcome::default().code(), 0);
        assert_eq!(Outcome::from(anyhow!("no")).code(), 1);
    }

    #[test]
    fn context_does_not_hide_what_ended_the_run() {
        let error = Err::<(), _>(anyhow!(Interrupted::Sigint)).context("while dumping").expect_err("an error");
        assert_eq!(Outcome::from(error).code(), 130);
    }
}
