//! All that a run will ask of the cluster, asked for before the first change: a verb that is forbidden half-way would be
//! found out when the sandbox is down, and one that is needed to put things back, too late.
use super::preflight::{Golden, Scope};
use crate::cli::Side;
use crate::cli::Task;
use crate::cluster::Cluster;
use crate::cluster::rights::Right;
use crate::report::listed;
use crate::rights::{Part, needed, needed_for};
use crate::settings::Settings;
use anyhow::{Result, bail};

/// Asks whether all of it is granted.
///
/// # Errors
/// What is lacking, with the rules that grant it; the API server cannot be reached, or does not accept the credentials.
pub async fn check(settings: &Settings, cluster: &Cluster, scope: Scope) -> Result<()> {
    let golden = scope.golden.map(|golden| match golden {
        Golden::Look | Golden::Use => Part::GoldenUse,
        Golden::Make => Part::GoldenMake,
        Golden::Cool => Part::GoldenCool,
    });
    let parts = [
        Some(Part::Run),
        scope.reads_production().then_some(Part::Production),
        scope.database.then_some(Part::Database),
        scope.stops.then_some(Part::Stop),
        scope.documents.then_some(Part::Documents),
        golden,
        scope.from_backup.then_some(Part::FromBackup),
        scope.backup.map(|side| if side == Side::Prod { Part::BackupProd } else { Part::BackupSandbox }),
    ];
    let parts: Vec<Part> = parts.into_iter().flatten().collect();
    ask(cluster, &needed(settings, &parts)).await
}

/// What looking after the backups needs: the bucket's key.
///
/// # Errors
/// As [`check`].
pub async fn check_bucket(settings: &Settings, cluster: &Cluster) -> Result<()> {
    ask(cluster, &needed(settings, &[Part::Bucket])).await
}

/// A watchdog that may not put something back must be known before it is needed.
///
/// # Errors
/// As [`check`].
pub async fn check_recovery(settings: &Settings, cluster: &Cluster) -> Result<()> {
    ask(cluster, &needed_for(settings, Task::Recover)).await
}

async fn ask(cluster: &Cluster, needed: &[Right]) -> Result<()> {
    let lacking = cluster.lacking(needed).await?;
    let lacking: Vec<String> = lacking.iter().map(|right| format!("this client {right}")).collect();
    match lacking.as_slice() {
        [] => Ok(()),
        [one] => bail!("{one}; nothing was changed"),
        all => bail!("{} rights are lacking, and nothing was changed:{}", all.len(), listed(all)),
    }
}
