//! What can be typed: subcommands, flags and their variables, with the texts of `--help`.
mod command;
mod options;

pub use command::Command;
pub use options::{Options, Pause};

use clap::{ArgAction, Args, Parser, ValueEnum};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, and everything was put back
  2    usage: a flag, a variable or the settings file is wrong
  3    something could NOT be put back; the last lines say what, and the command that repairs it
  130  interrupted (SIGINT), everything put back
  143  terminated (SIGTERM), everything put back

Settings come as defaults, then sandbox-lifecycle.toml, then environment, then flags.
The file has the same names as the flags, without the dashes in front:
  prod-namespace = \"erp\"
  documents-tree = [\"mycompany\", \"dolibarr_logs\"]

Examples:
  sandbox-lifecycle --dry-run refresh          print the plan, change nothing
  sandbox-lifecycle refresh                    database and documents, as production has them now
  sandbox-lifecycle --output json refresh-from-prod >report.json";

/// Makes an ERP sandbox iso-prod again: production's database and documents, safely, in seconds.
#[derive(Debug, Parser)]
#[command(version, after_long_help = EXIT_CODES, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub run: RunFlags,
    #[command(flatten)]
    pub options: Options,
}

/// How to run, whatever the command.
#[derive(Debug, Args)]
pub struct RunFlags {
    /// Settings file [default: sandbox-lifecycle.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "SANDBOX_LIFECYCLE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Print the plan with every object it would touch, and change nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Say more: -v the log of the Job, -vv the calls to the cluster
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but failures
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// What stdout carries at the end: a summary, or one JSON document
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    #[arg(env = "SANDBOX_LIFECYCLE_OUTPUT", hide_env_values = true)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}
