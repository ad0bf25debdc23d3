//! What a backup needs: credentials for the database, and a Pod that has the documents.
use super::{Scope, check_one, check_secret, keep, keep_named, no_documents, secret_setting};
use crate::cli::Side;
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::secret::Credentials;
use crate::settings::Settings;
use crate::step::backup::shelf::Shelf;

/// What is read for a backup.
pub struct BackupFound {
    pub credentials: Credentials,
    pub host: String,
    /// Of the Pods that have the documents.
    pub selector: String,
}

/// `None` where nothing is backed up, or where something is wrong.
pub(super) async fn check(
    settings: &Settings,
    cluster: &Cluster,
    scope: Scope,
    (prod, sandbox): (Option<&Rollout>, Option<&Rollout>),
    wrong: &mut Vec<String>,
) -> Option<BackupFound> {
    let (environment, rollout) = match scope.backup? {
        Side::Prod => (&settings.prod, prod),
        Side::Sandbox => (&settings.sandbox, sandbox),
    };
    bucket(settings, cluster, wrong).await;
    let setting = secret_setting(settings, environment);
    let credentials = cluster.credentials(&environment.namespace, &environment.secret).await;
    let credentials = keep_named(wrong, credentials, setting);
    let host = credentials.as_ref().and_then(|secret| check_secret(settings, environment, secret, wrong));
    wrong.extend(rollout.and_then(|rollout| no_documents(settings, environment, rollout)));
    Some(BackupFound { credentials: credentials?, host: host?, selector: rollout?.selector.clone() })
}

/// Only its Secret: the store itself is asked by the steps, which wait for it.
async fn bucket(settings: &Settings, cluster: &Cluster, wrong: &mut Vec<String>) {
    keep(wrong, Shelf::glimpse(settings, cluster).await);
}

/// The server of the sandbox's database, for a set to be brought to; production is not asked for anything.
pub(super) async fn target(
    settings: &Settings,
    cluster: &Cluster,
    scope: Scope,
    wrong: &mut Vec<String>,
) -> Option<String> {
    if !scope.from_backup {
        return None;
    }
    bucket(settings, cluster, wrong).await;
    check_one(settings, cluster, &settings.sandbox, wrong).await
}
