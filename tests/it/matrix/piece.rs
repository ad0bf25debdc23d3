//! What is played: a command, what there is before it, and what comes of it.

use super::watchdog::WATCHED;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Refresh,
    /// The sandbox differs by rows alone, and only those are put back.
    RefreshOfRows,
    /// With a watchdog beside it.
    Watched,
    /// In a Job's Pod; there is an older one of the same name.
    Checkpoint,
    Reset,
    /// In a Pod that is kept.
    ResetWarm,
    /// The application is stopped meanwhile.
    ResetOffline,
}

impl Piece {
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Refresh | Self::RefreshOfRows => &["refresh"],
            Self::Watched => WATCHED,
            Self::Checkpoint => &["checkpoint"],
            Self::Reset | Self::ResetWarm => &["reset"],
            Self::ResetOffline => &["reset", "--offline"],
        }
    }

    /// What makes the sandbox ready for it, once.
    pub(super) fn overture(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Refresh | Self::Watched => None,
            Self::RefreshOfRows => Some(&["refresh"]),
            Self::Checkpoint | Self::Reset => Some(&["checkpoint"]),
            Self::ResetWarm | Self::ResetOffline => Some(&["checkpoint", "--warm"]),
        }
    }

    /// The sandbox is brought to production, not to a checkpoint.
    pub(super) fn is_refresh(self) -> bool {
        matches!(self, Self::Refresh | Self::RefreshOfRows | Self::Watched)
    }

    /// The use of the sandbox before it changes its schema, too.
    pub(super) fn changes_schema(self) -> bool {
        matches!(self, Self::Refresh | Self::Watched)
    }
}
