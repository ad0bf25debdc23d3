//! `manifests`: asks no cluster.
use crate::cli::{Cli, Manifest, Task};
use crate::manifests;
use crate::report;
use crate::rights;
use crate::settings::{Settings, Usage, effective, is_object_name};
use anyhow::{Context, Result};

/// # Errors
/// [`crate::settings::Usage`]: the settings are wrong, or something must be named; stdout is closed.
pub(super) fn print(cli: &Cli, manifest: &Manifest) -> Result<()> {
    let settings = &Settings::load(cli.options.clone(), cli.run.config.as_deref())?;
    let text = match manifest {
        Manifest::Rbac { commands } if commands.is_empty() => rights::roles(settings, &Task::ALL),
        Manifest::Rbac { commands } => rights::roles(settings, commands),
        Manifest::Cronjob { command, image, schedule } => {
            let effective = effective(&cli.options, &cli.said, cli.run.config.as_deref())?;
            manifests::cronjob(settings, &effective, *command, (image.as_deref(), schedule.as_deref()))?
        }
        Manifest::Golden => manifests::golden(settings),
        Manifest::Vault { mount, connection, role, auth } => {
            // Of another namespace it is named with that.
            let names = [("--role", role.as_str()), ("--auth", auth.rsplit('/').next().unwrap_or_default())];
            if let Some((flag, name)) = names.into_iter().find(|(_, name)| !is_object_name(name)) {
                let wrong = format!("{flag} {name:?} is no name of a Kubernetes object (a-z, 0-9, '-' and '.')");
                return Err(Usage::new(wrong).into());
            }
            manifests::vault(settings, mount, connection, role, auth)
        }
        Manifest::Networkpolicy => manifests::networkpolicy(settings),
    };
    report::result(text.trim_end()).context("cannot write the manifests")
}
