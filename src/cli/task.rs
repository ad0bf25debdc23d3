//! Commands, as other commands speak of them: `doctor refresh`, `manifests rbac refresh status`.
use clap::ValueEnum;

/// A command that asks something of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    Refresh,
    RefreshFromProd,
    SyncDocuments,
    Checkpoint,
    Reset,
    Diff,
    Backup,
    Recover,
    Status,
    Doctor,
}

impl Task {
    /// `refresh` first: what the others need beside it is told by their names.
    pub const ALL: [Self; 10] = [
        Self::Refresh,
        Self::RefreshFromProd,
        Self::SyncDocuments,
        Self::Checkpoint,
        Self::Reset,
        Self::Diff,
        Self::Backup,
        Self::Recover,
        Self::Status,
        Self::Doctor,
    ];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::RefreshFromProd => "refresh-from-prod",
            Self::SyncDocuments => "sync-documents",
            Self::Checkpoint => "checkpoint",
            Self::Reset => "reset",
            Self::Diff => "diff",
            Self::Backup => "backup",
            Self::Recover => "recover",
            Self::Status => "status",
            Self::Doctor => "doctor",
        }
    }
}
