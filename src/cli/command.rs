//! The subcommands, as they are typed.
use super::age::Ages;
use super::backup::{Backup, Side};
use super::duration::time;
use super::manifest::Manifest;
use super::rehearsal::{Difference, Reset, Save, Shelf};
use super::task::Task;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Clone production's database into the sandbox's
    RefreshFromProd(RefreshFlags),
    /// Copy the documents from production's pod to the sandbox's
    SyncDocuments,
    /// Database and documents, as production has them now
    ///
    /// With --from-backup both come from a backup, and production is asked for nothing.
    Refresh {
        #[command(flatten)]
        flags: RefreshFlags,
        #[command(flatten)]
        from: FromBackup,
    },
    /// Save database and documents, to come back to by `reset`
    ///
    /// Or look after the checkpoints there are.
    Checkpoint {
        #[command(subcommand)]
        shelf: Option<Shelf>,
        #[command(flatten)]
        save: Save,
    },
    /// Put database and documents back to a checkpoint
    ///
    /// The sandbox stays up meanwhile, unless --offline is given.
    Reset(Reset),
    /// Say what has changed in the sandbox since a checkpoint
    Diff(Difference),
    /// Back up database and documents to a bucket, then prune
    ///
    /// Or look after the sets there are. A set is of production, or with --env sandbox of the sandbox.
    Backup(Backup),
    /// Put back what a killed run left
    ///
    /// Replicas, automated sync, transient objects: all that the journal in its Lease names.
    Recover {
        /// Also when the holder of the Lease still seems to be alive
        #[arg(long)]
        force: bool,
        /// Wait until the Lease is gone, or its holder has not renewed it for so long (600s, 10m), and recover then
        #[arg(long, value_name = "TIME", conflicts_with = "force", value_parser = time)]
        wait: Option<Duration>,
    },
    /// Say how old the sandbox's data is, what drifted, what runs
    Status(Ages),
    /// Check what a command needs, and say how to mend it
    ///
    /// Nothing is changed.
    Doctor {
        /// The command to check for
        #[arg(value_name = "COMMAND", default_value = "refresh")]
        task: Task,
        /// Look into both databases as well, by a short Job that changes nothing in them
        #[arg(long)]
        deep: bool,
    },
    /// Print YAML for `kubectl apply -f -`
    Manifests {
        #[command(subcommand)]
        manifest: Manifest,
    },
    /// Print the effective settings, and where each came from
    Config {
        #[command(subcommand)]
        action: Option<ConfigAction>,
    },
    /// Print completions for a shell, the cluster's objects too
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// Where the pages of all commands go; it is made [default: the main page, to stdout]
        directory: Option<PathBuf>,
    },
}

/// What a refresh of the database may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RefreshFlags {
    /// Wipe and restore the whole database, also where putting back what differs would do
    #[arg(long)]
    pub full: bool,
    /// Take a checkpoint at the end [default name: golden]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = super::rehearsal::DEFAULT_NAME)]
    pub checkpoint: Option<String>,
    /// Run these statements in the restore's transaction, as the sandbox's role, when all was found equal
    #[arg(long, value_name = "FILE")]
    pub after_restore_sql: Option<PathBuf>,
    /// Run this command here (`sh -c`) when the sandbox is up again, before a checkpoint is taken
    #[arg(long, value_name = "COMMAND")]
    pub after: Option<String>,
}

/// Which set a refresh is made of, if not of production.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct FromBackup {
    /// Bring database and documents to this backup set instead [default: the newest]
    #[arg(long = "from-backup", value_name = "SET", num_args = 0..=1, default_missing_value = "")]
    pub set: Option<String>,
    /// Whose set
    #[arg(long, value_name = "ENV", default_value = "prod", requires = "set")]
    pub env: Side,
    /// Leave the documents as they are
    #[arg(long, requires = "set")]
    pub database_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigAction {
    /// Write a commented settings file with every setting in it; one that is there is never overwritten
    Init,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Command {
    /// Whether it changes nothing, and its result is all that is wanted.
    pub fn looks(&self) -> bool {
        matches!(self, Self::Checkpoint { shelf: Some(Shelf::List | Shelf::Show { .. }), .. } | Self::Diff(_))
    }

    /// As it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RefreshFromProd(_) => "refresh-from-prod",
            Self::SyncDocuments => "sync-documents",
            Self::Refresh { from: FromBackup { set: None, .. }, .. } => "refresh",
            Self::Refresh { .. } => "refresh --from-backup",
            Self::Checkpoint { shelf: None, .. } => "checkpoint",
            Self::Checkpoint { shelf: Some(Shelf::List), .. } => "checkpoint list",
            Self::Checkpoint { shelf: Some(Shelf::Show { .. }), .. } => "checkpoint show",
            Self::Checkpoint { shelf: Some(Shelf::Delete { .. }), .. } => "checkpoint delete",
            Self::Checkpoint { shelf: Some(Shelf::Cool), .. } => "checkpoint cool",
            Self::Reset(_) => "reset",
            Self::Diff(_) => "diff",
            Self::Backup(backup) => backup.name(),
            Self::Recover { .. } => "recover",
            Self::Config { .. } => "config",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
            Self::Status(_) => "status",
            Self::Doctor { .. } => "doctor",
            Self::Manifests { .. } => "manifests",
        }
    }
}
