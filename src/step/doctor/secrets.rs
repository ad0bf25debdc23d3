//! The database Secrets: their keys, and when they were last written.
use super::{Finding, findings};
use crate::cluster::Cluster;
use crate::record::now;
use crate::settings::{Environment, Settings};
use crate::step::preflight::{self, Remarks};

pub(super) async fn check(settings: &Settings, cluster: &Cluster) -> Vec<Finding> {
    let mut remarks = Remarks::default();
    preflight::check_database(settings, cluster, &mut remarks.wrong).await;
    let fix = "each namespace needs a Secret of its own (--prod-secret, --sandbox-secret) with the keys username and password, and the \
               server's name in its key host or by --pg-host; `sandbox-lifecycle manifests vault` shows how Vault makes one";
    let mut all = findings("Secret", remarks, fix);
    for environment in [&settings.prod, &settings.sandbox] {
        all.extend(age(cluster, environment).await);
    }
    all
}

/// That of one environment alone.
pub(super) async fn of(settings: &Settings, cluster: &Cluster, environment: &Environment) -> Vec<Finding> {
    let mut remarks = Remarks::default();
    preflight::check_one(settings, cluster, environment, &mut remarks.wrong).await;
    let (whose, side) =
        if *environment == settings.prod { ("production's", "prod") } else { ("the sandbox's", "sandbox") };
    let fix = format!(
        "{whose} namespace needs a Secret (--{side}-secret) with the keys username and password, and the server's name in its key host or \
         by --pg-host"
    );
    let mut all = findings("Secret", remarks, &fix);
    all.extend(age(cluster, environment).await);
    all
}

/// One that cannot be read has been told.
async fn age(cluster: &Cluster, environment: &Environment) -> Option<Finding> {
    let name = format!("{}/{}", environment.namespace, environment.secret);
    let secret = cluster.credentials(&environment.namespace, &environment.secret).await.ok()?;
    let written = secret.written().map_or("at an unknown time".to_owned(), |at| {
        format!("{} ago", crate::cli::spoken(now().as_second() - at.as_second()))
    });
    Some(Finding::ok("Secret", format!("{name}: last written {written}")))
}
