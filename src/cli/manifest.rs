//! What `manifests` prints.
use super::Task;
use clap::{Subcommand, ValueEnum};

/// What is done every night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Nightly {
    Refresh,
    Backup,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Manifest {
    /// ServiceAccount, and a Role with its RoleBinding in each namespace: what the named commands need, and no more
    Rbac {
        /// Commands that are to be run [default: all]
        #[arg(value_name = "COMMAND")]
        commands: Vec<Task>,
    },
    /// CronJob that refreshes the sandbox, or backs production up, every night
    Cronjob {
        /// What it runs
        #[arg(value_name = "COMMAND", default_value = "refresh")]
        command: Nightly,
        /// Image with sandbox-lifecycle on its PATH [default: that of --watchdog]
        #[arg(long)]
        image: Option<String>,
        /// When, in UTC [default: 17 2 * * * to refresh, 17 0 * * * to back up]
        #[arg(long, value_name = "CRON")]
        schedule: Option<String>,
    },
    /// PersistentVolumeClaim for the checkpoints
    Golden,
    /// A dump role that may only read, for Vault's database secrets engine, and the VaultDynamicSecret that brings its logins
    Vault {
        /// Path of the database secrets engine
        #[arg(long, value_name = "PATH", default_value = "database")]
        mount: String,
        /// Its connection to production's server
        #[arg(long, value_name = "NAME", default_value = "erp")]
        connection: String,
        /// The Vault role to make, and the Secret to be made of it
        #[arg(long, value_name = "NAME", default_value = "erp-dump")]
        role: String,
        /// The VaultAuth in production's namespace
        #[arg(long, value_name = "NAME", default_value = "default")]
        auth: String,
    },
    /// NetworkPolicy: the Jobs' Pods reach DNS and PostgreSQL, a run's Pod the API server and the bucket, and nothing reaches them
    Networkpolicy,
}
