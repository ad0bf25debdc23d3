//! What can be typed: subcommands, flags and their variables, with the texts of `--help`.
mod age;
mod backup;
mod command;
mod duration;
mod examples;
mod kind;
mod manifest;
mod options;
mod program;
mod rehearsal;
mod setting;
mod task;
mod typo;
mod variable;

pub use age::{Ages, spoken};
pub use backup::{Backup, BackupAction, Side};
pub use command::{Command, ConfigAction, FromBackup, RefreshFlags, Shell};
pub use manifest::{Manifest, Nightly, is_image};
pub use options::{Options, Pause};
pub use program::{named, program};
pub use rehearsal::{DEFAULT_NAME, Shelf};
pub use setting::{Said, Setting, settings};
pub use task::Task;
pub use typo::{COMPLETE, nearest, unknown_variables};

use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, ValueEnum};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Makes an ERP sandbox iso-prod again: production's database and documents, safely, in seconds.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub run: RunFlags,
    #[command(flatten)]
    pub options: Options,
    /// The settings that were typed or stand in the environment.
    #[arg(skip)]
    pub said: BTreeMap<String, Said>,
}

impl Cli {
    /// What can be typed, under the name that the program was called by.
    pub fn typed() -> clap::Command {
        examples::with(Self::command().mut_args(variable::unless_empty).bin_name(program()))
    }

    /// What was typed, and what stands in the environment.
    ///
    /// # Errors
    /// It is wrong, or `--help` was asked for: [`clap::Error::exit`] says it.
    pub fn read() -> Result<Self, clap::Error> {
        let matches = Self::typed().try_get_matches().map_err(variable::blamed)?;
        Self::of(&matches)
    }

    /// # Errors
    /// As [`FromArgMatches`]: `matches` are of another command.
    pub fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { said: setting::said(matches), ..Self::from_arg_matches(matches)? })
    }
}

/// How to run, whatever the command.
#[derive(Debug, Args)]
pub struct RunFlags {
    /// Settings file [default: sandbox-lifecycle.toml, if there is]
    #[arg(long, global = true, value_name = "FILE", env = "SANDBOX_LIFECYCLE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Print the plan and change nothing
    ///
    /// With every object that it would touch; the checks that only read are made.
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Say more: the log of the Job; -vv the calls to the cluster
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say only failures, warnings and what was put back
    ///
    /// And advice. Of the report on stdout only JSON is left.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// What stdout carries: a summary, or one JSON document
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    #[arg(env = "SANDBOX_LIFECYCLE_OUTPUT", hide_env_values = true)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}
