//! What can be typed of backups.
use clap::{Args, Subcommand, ValueEnum};

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Backup {
    #[command(subcommand)]
    pub action: Option<BackupAction>,
    /// Whose database and documents
    #[arg(long, value_name = "ENV", default_value = "prod", global = true)]
    pub env: Side,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Side {
    #[default]
    Prod,
    Sandbox,
}

impl Side {
    /// As it is typed, and as it stands in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Sandbox => "sandbox",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum BackupAction {
    /// Which sets there are: age, size, restored or read back or unproved, which rule keeps each and until when
    List,
    /// All that is known of one set
    Show {
        /// The set's name, or its beginning
        set: String,
    },
    /// Remove what the retention rules let go, and what aborted backups left more than a day ago
    Prune {
        /// Only say what would be removed
        #[arg(long)]
        plan: bool,
    },
    /// Read a set back: sizes, checksums, the dump's table of contents with its data, each member of the archive
    Verify {
        /// The set's name, or its beginning [default: the newest]
        set: Option<String>,
        /// Then bring the sandbox's database and documents to it, and note in the bucket that this went well
        #[arg(long)]
        restore: bool,
    },
}

impl Backup {
    /// The set that is to be verified, if one is named.
    pub fn verified(&self) -> Option<String> {
        match &self.action {
            Some(BackupAction::Verify { set, .. }) => set.clone(),
            _ => None,
        }
    }

    /// As it is typed.
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            None => "backup",
            Some(BackupAction::List) => "backup list",
            Some(BackupAction::Show { .. }) => "backup show",
            Some(BackupAction::Prune { .. }) => "backup prune",
            Some(BackupAction::Verify { restore: false, .. }) => "backup verify",
            Some(BackupAction::Verify { restore: true, .. }) => "backup verify --restore",
        }
    }
}
