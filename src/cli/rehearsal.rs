//! What can be typed of the rehearsal loop: checkpoint, reset, diff.
use super::duration::time;
use clap::{Args, Subcommand};
use std::time::Duration;

/// The checkpoint that is meant when none is named.
pub const DEFAULT_NAME: &str = "golden";

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Save {
    /// Its name; one of that name is replaced when the new one is complete [default: golden]
    pub name: Option<String>,
    /// Keep a small idle Pod, so that `reset` and `diff` need not wait for one to start
    #[arg(long)]
    pub warm: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Shelf {
    /// Which checkpoints there are: when taken, of which data, how big, by whom
    List,
    /// All that is known of one
    Show {
        /// The checkpoint's name
        name: String,
    },
    /// Remove one
    Delete {
        /// The checkpoint's name
        name: String,
    },
    /// Remove the idle Pod of --warm; the checkpoints stay
    Cool,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Reset {
    /// The checkpoint
    #[arg(default_value = DEFAULT_NAME)]
    pub name: String,
    /// Pause Argo CD and stop the sandbox meanwhile, as a refresh does
    #[arg(long)]
    pub offline: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Difference {
    /// The checkpoint
    #[arg(default_value = DEFAULT_NAME)]
    pub name: String,
    /// The rows themselves, by primary key, with old and new values
    #[arg(long)]
    pub rows: bool,
    /// How long to wait for another run to end: 30s, 2m, 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub wait: Duration,
}
