//! The subcommands, as they are typed.
use super::age::Ages;
use super::backup::{Backup, Side};
use super::manifest::Manifest;
use super::rehearsal::{Difference, Reset, Save, Shelf};
use super::task::Task;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Clone production's database into the sandbox's (data and configuration)
    RefreshFromProd(RefreshFlags),
    /// Copy the documents trees from the production pod to the sandbox pod
    SyncDocuments,
    /// refresh-from-prod, then sync-documents; or both from a backup, without asking production for anything
    Refresh {
        #[command(flatten)]
        flags: RefreshFlags,
        #[command(flatten)]
        from: FromBackup,
    },
    /// Save the sandbox's database and documents as a checkpoint, or look after the checkpoints there are
    Checkpoint {
        #[command(subcommand)]
        shelf: Option<Shelf>,
        #[command(flatten)]
        save: Save,
    },
    /// Put the sandbox's database and documents back to a checkpoint, while it runs
    Reset(Reset),
    /// Say what has changed in the sandbox since a checkpoint, and change nothing
    Diff(Difference),
    /// Back up a database and its documents to a bucket, then prune; or look after the sets there are
    Backup(Backup),
    /// Put back what a killed run left: replicas, automated sync, transient objects
    Recover {
        /// Also when the holder of the Lease still seems to be alive
        #[arg(long)]
        force: bool,
        /// Wait until the Lease is gone, or its holder has not renewed it for so many seconds, and recover then
        #[arg(long, value_name = "SECONDS", conflicts_with = "force")]
        wait: Option<u32>,
    },
    /// Say what the sandbox is: how old its data is, who refreshed it, what has drifted, what runs
    Status(Ages),
    /// Check everything that a command needs, and say how to mend what is missing; changes nothing
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
    /// Print what makes a shell complete commands, flags and the cluster's objects
    Completions { shell: Shell },
    /// Print the manual page, or write those of all commands into a directory
    Man { directory: Option<PathBuf> },
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
