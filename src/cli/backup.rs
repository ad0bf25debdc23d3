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
    /// Which sets there are: age, size, verified or not, which rule keeps each and until when
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
    /// Read a set back: sizes, checksums, the archive's listing
    Verify {
        /// The set's name, or its beginning [default: the newest]
        set: Option<String>,
    },
}

impl Backup {
    /// As it is typed.
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            None => "backup",
            Some(BackupAction::List) => "backup list",
            Some(BackupAction::Show { .. }) => "backup show",
            Some(BackupAction::Prune { .. }) => "backup prune",
            Some(BackupAction::Verify { .. }) => "backup verify",
        }
    }
}
