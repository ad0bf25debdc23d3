//! One case: what goes wrong, where, and what is done about it.

use super::arena::{Arena, End};
use super::requests::{self, Trouble};
use std::fmt;

/// Generated from a run that was let through.
#[derive(Clone, Debug)]
pub(super) enum Case {
    /// The n-th request of a run; `line` is what it was in the run that was counted.
    Request { number: usize, line: String, trouble: Trouble },
}

/// How a case that was survived went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Played {
    pub(super) end: End,
    pub(super) reached: bool,
}

impl Case {
    /// What is counted together.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Request { trouble, .. } => trouble.to_string(),
        }
    }

    /// # Errors
    /// The promise that was broken.
    pub(super) async fn play(&self, arena: &mut Arena) -> Result<Played, String> {
        match self {
            Self::Request { number, trouble, .. } => requests::play(arena, *number, trouble).await,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { number, line, trouble } => write!(f, "{trouble} at request {number} ({line})"),
        }
    }
}
