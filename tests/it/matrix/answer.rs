//! What the API server can do to a single request.

use crate::support::api::{Fault, Gate};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Code(u16),
    Busy,
    ResetBefore,
    ResetAfter,
    /// No answer ever comes.
    Hang,
    /// It is done, and no answer ever comes.
    HangAfter,
    /// This request and the next ones: a server that restarts.
    Away,
}

impl Answer {
    pub(super) const ALL: [Self; 9] = [
        Self::Code(500),
        Self::Code(409),
        Self::Code(403),
        Self::Busy,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Hang,
        Self::HangAfter,
        Self::Away,
    ];

    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Code(code) => Fault::code(code),
            Self::Busy => Fault::RetryAfter { code: 429, seconds: 1 },
            Self::ResetBefore | Self::Away => Fault::ResetBefore,
            Self::ResetAfter => Fault::ResetAfter,
            // Nobody opens these.
            Self::Hang => Fault::Hang(Gate::new()),
            Self::HangAfter => Fault::HangAfter(Gate::new()),
        }
    }

    /// How many requests it happens to.
    pub(super) fn times(self) -> usize {
        if self == Self::Away { 4 } else { 1 }
    }

    /// What passes is ridden out; but where nobody has ever answered, a connection that fails is a wrong address, and 500 to
    /// an exec is the kubelet's word for a container that is not there.
    pub(super) fn may_end_with(self) -> &'static [i32] {
        match self {
            Self::Code(403) => &[0, 1, 3],
            Self::Code(409 | 500) | Self::ResetBefore | Self::ResetAfter | Self::Away => &[0, 1],
            _ => &[0],
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "answered {code}"),
            Self::Busy => f.write_str("answered 429 with Retry-After"),
            Self::ResetBefore => f.write_str("reset before it is done"),
            Self::ResetAfter => f.write_str("reset when it is done"),
            Self::Hang => f.write_str("no answer, not done"),
            Self::HangAfter => f.write_str("no answer, done"),
            Self::Away => f.write_str("four in a row reset"),
        }
    }
}
