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
        #[arg(long, value_parser = image)]
        image: Option<String>,
        /// When, in UTC [default: 17 2 * * * to refresh, 17 0 * * * to back up]
        #[arg(long, value_name = "CRON", value_parser = cron)]
        schedule: Option<String>,
    },
    /// PersistentVolumeClaim for the checkpoints
    Golden,
    /// A dump role that may only read, for Vault's database secrets engine, and the VaultDynamicSecret that brings its logins
    Vault {
        /// Path of the database secrets engine
        #[arg(long, value_name = "PATH", default_value = "database", value_parser = word)]
        mount: String,
        /// Its connection to production's server
        #[arg(long, value_name = "NAME", default_value = "erp", value_parser = word)]
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

/// What can be an image's name, whatever the registry.
pub fn is_image(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn image(text: &str) -> Result<String, String> {
    is_image(text).then(|| text.to_owned()).ok_or_else(|| "it is no name of an image".to_owned())
}

fn word(text: &str) -> Result<String, String> {
    let odd = text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
    if odd { Err("it must be one word".to_owned()) } else { Ok(text.to_owned()) }
}

/// By its form; whether there is such a day the cluster says.
fn cron(text: &str) -> Result<String, String> {
    let field = |field: &str| field.chars().all(|c| c.is_ascii_alphanumeric() || "*/,-?".contains(c));
    let fields: Vec<&str> = text.split_whitespace().collect();
    let right = match fields.as_slice() {
        [one] => matches!(*one, "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly"),
        all => all.len() == 5 && all.iter().all(|one| field(one)),
    };
    match right {
        true => Ok(text.to_owned()),
        false => Err("it wants minute, hour, day, month and day of the week, such as 17 2 * * *".to_owned()),
    }
}
