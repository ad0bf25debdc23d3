//! What is played: a command, what there is before it, and what comes of it.

use super::place::Place;
use super::watchdog::WATCHED;

/// How long a second reset waits for the first. Shorter than a reset waits for a lock (30 s), so that the second one is
/// refused while the first is still held at one.
const SHORT: &str = "15s";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Refresh,
    /// The sandbox differs by rows alone, and only those are put back.
    RefreshOfRows,
    /// As that, with documents that take a while.
    RefreshOfDocuments,
    /// With a watchdog beside it.
    Watched,
    /// In a Job's Pod; there is an older one of the same name, and the schema is another since.
    Checkpoint,
    /// In a Pod that is kept. It has the dump of the one before.
    CheckpointWarm,
    /// As that, with a small volume.
    CheckpointSmall,
    /// As that, and the schema is another, so that all is dumped.
    CheckpointAnew,
    Reset,
    /// In a Pod that is kept.
    ResetWarm,
    /// The application is stopped meanwhile.
    ResetOffline,
    /// In a Pod that is kept; every table differs, by rows alone.
    ResetOfTables,
    /// In a Pod that is kept; the schema differs too, so all is wiped and restored.
    ResetFull,
    /// What has changed, from a Pod that is kept.
    Diff,
    /// Of production, into a bucket that has an older set, which falls.
    Backup,
    /// From the set in the bucket.
    FromBackup,
    /// A look into both databases, by a Job.
    Doctor,
}

impl Piece {
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Refresh | Self::RefreshOfRows | Self::RefreshOfDocuments => &["refresh"],
            Self::Watched => WATCHED,
            Self::Checkpoint | Self::CheckpointWarm | Self::CheckpointSmall | Self::CheckpointAnew => &["checkpoint"],
            Self::Reset | Self::ResetWarm | Self::ResetOfTables | Self::ResetFull => &["reset", "--wait", SHORT],
            Self::ResetOffline => &["reset", "--offline", "--wait", SHORT],
            Self::Diff => &["diff", "--rows", "--wait", SHORT],
            Self::Backup => &["backup", "--keep-days", "1", "--keep-months", "0", "--keep-years", "0"],
            Self::FromBackup => &["refresh", "--from-backup"],
            Self::Doctor => &["doctor", "--deep"],
        }
    }

    /// What makes the sandbox ready for it, once.
    pub(super) fn overture(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Refresh | Self::Watched | Self::Doctor => None,
            Self::RefreshOfRows | Self::RefreshOfDocuments => Some(&["refresh"]),
            Self::Checkpoint | Self::Reset => Some(&["checkpoint"]),
            Self::CheckpointWarm
            | Self::CheckpointSmall
            | Self::CheckpointAnew
            | Self::ResetWarm
            | Self::ResetOffline
            | Self::ResetOfTables
            | Self::ResetFull
            | Self::Diff => Some(&["checkpoint", "--warm"]),
            Self::Backup | Self::FromBackup => Some(&["backup"]),
        }
    }

    /// The sandbox's database is brought to production's, not to a checkpoint.
    pub(super) fn is_refresh(self) -> bool {
        let of_rows = matches!(self, Self::RefreshOfRows | Self::RefreshOfDocuments);
        of_rows || matches!(self, Self::Refresh | Self::Watched | Self::FromBackup)
    }

    pub(super) fn is_checkpoint(self) -> bool {
        matches!(self, Self::Checkpoint | Self::CheckpointWarm | Self::CheckpointSmall | Self::CheckpointAnew)
    }

    /// It only reads the sandbox, or does not even that.
    pub(super) fn leaves_the_sandbox(self) -> bool {
        self.is_checkpoint() || matches!(self, Self::Diff | Self::Backup | Self::Doctor)
    }

    pub(super) fn leaves_documents(self) -> bool {
        self.leaves_the_sandbox()
    }

    pub(super) fn has_a_bucket(self) -> bool {
        matches!(self, Self::Backup | Self::FromBackup)
    }

    /// It works on the golden volume.
    pub(super) fn has_a_volume(self) -> bool {
        !self.is_refresh() && !matches!(self, Self::Backup | Self::Doctor)
    }

    /// It plays back itself what a run of before has left.
    pub(super) fn recovers(self) -> bool {
        self != Self::Doctor
    }

    /// The use of the sandbox before it changes its schema, too.
    pub(super) fn changes_schema(self) -> bool {
        matches!(
            self,
            Self::Refresh
                | Self::Watched
                | Self::FromBackup
                | Self::ResetFull
                | Self::Checkpoint
                | Self::CheckpointAnew
        )
    }

    /// Where it can be kept waiting for a lock of the database server.
    pub(super) fn waits(self) -> Vec<Place> {
        match self {
            Self::Refresh | Self::RefreshOfRows | Self::Watched => vec![Place::Reading, Place::Restoring],
            Self::Checkpoint | Self::CheckpointWarm | Self::CheckpointSmall | Self::CheckpointAnew => {
                vec![Place::Saving]
            }
            Self::Backup => vec![Place::Reading],
            Self::Diff | Self::Doctor => Vec::new(),
            Self::RefreshOfDocuments => [1, 5, 9].map(|tenth| Place::Sending { tenth }).into(),
            _ => vec![Place::Restoring],
        }
    }
}
