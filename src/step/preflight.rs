//! Everything a run needs, looked at before anything is touched; all that is wrong is said at once.
mod started;

use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::secret::Credentials;
use crate::settings::{Environment, Settings};
use anyhow::{Error, Result, anyhow};

/// What the steps need of what was found.
pub struct Found {
    /// Production's credentials and server; absent when only documents are copied.
    pub database: Option<DatabaseFound>,
    pub prod: Rollout,
    pub sandbox: Rollout,
    /// What should be known before the run, but does not stop it.
    pub warnings: Vec<String>,
    pub notes: Vec<String>,
}

/// What was found on the way.
#[derive(Default)]
struct Remarks {
    /// Each of these is a reason not to run.
    wrong: Vec<String>,
    warnings: Vec<String>,
    notes: Vec<String>,
}

pub struct DatabaseFound {
    pub credentials: Credentials,
    pub prod_host: String,
    pub sandbox_host: String,
}

impl Remarks {
    fn add(&mut self, other: Self) {
        self.wrong.extend(other.wrong);
        self.warnings.extend(other.warnings);
        self.notes.extend(other.notes);
    }
}

/// What a plan is about, so that no more is asked than it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    pub database: bool,
    pub documents: bool,
}

/// Reads only.
///
/// # Errors
/// All problems in one error, a line each.
pub async fn check(settings: &Settings, cluster: &Cluster, scope: Scope) -> Result<Found> {
    let mut remarks = Remarks::default();
    let Settings { prod, sandbox, .. } = settings;
    let wrong = &mut remarks.wrong;
    let (prod_rollout, sandbox_rollout) = tokio::join!(
        cluster.deployment(&prod.namespace, &prod.deployment),
        cluster.deployment(&sandbox.namespace, &sandbox.deployment)
    );
    let rollouts = [keep(wrong, prod_rollout), keep(wrong, sandbox_rollout)];
    let mut database = None;
    if scope.database {
        let (application, autoscalers, found) = tokio::join!(
            started::check_application(settings, cluster),
            started::check_autoscalers(settings, cluster),
            check_database(settings, cluster, wrong)
        );
        database = found;
        remarks.add(application);
        remarks.add(autoscalers);
    }
    let Remarks { mut wrong, warnings, notes } = remarks;
    if scope.documents {
        for (environment, rollout) in [prod, sandbox].into_iter().zip(&rollouts) {
            wrong.extend(rollout.as_ref().and_then(|rollout| no_documents(settings, environment, rollout)));
        }
    }
    match rollouts {
        [Some(prod), Some(sandbox)] if wrong.is_empty() => Ok(Found { database, prod, sandbox, warnings, notes }),
        _ => Err(in_the_way(&wrong)),
    }
}

/// What the settings alone tell, before any right is asked for: those of one namespace would have to be had for both.
///
/// # Errors
/// Production and the sandbox share a namespace.
pub fn apart(settings: &Settings) -> Result<()> {
    let Settings { prod, sandbox, .. } = settings;
    match prod.namespace == sandbox.namespace {
        true => Err(in_the_way(&[format!("production and the sandbox are in the same namespace {}", prod.namespace)])),
        false => Ok(()),
    }
}

fn in_the_way(wrong: &[String]) -> Error {
    let count = match wrong.len() {
        1 => "a problem".to_owned(),
        many => format!("{many} problems"),
    };
    anyhow!("the preflight found {count}: {}; nothing was changed", wrong.join("; "))
}

async fn check_database(settings: &Settings, cluster: &Cluster, wrong: &mut Vec<String>) -> Option<DatabaseFound> {
    let Settings { prod, sandbox, .. } = settings;
    let (prod_secret, sandbox_secret) = tokio::join!(
        cluster.credentials(&prod.namespace, &prod.secret),
        cluster.credentials(&sandbox.namespace, &sandbox.secret)
    );
    let prod_secret = keep(wrong, prod_secret);
    let sandbox_secret = keep(wrong, sandbox_secret);
    let prod_host = prod_secret.as_ref().and_then(|secret| check_secret(settings, prod, secret, wrong));
    let sandbox_host = sandbox_secret.as_ref().and_then(|secret| check_secret(settings, sandbox, secret, wrong));
    if let (Some(prod), Some(sandbox)) = (&prod_secret, &sandbox_secret)
        && prod.missing().is_empty()
        && prod.same_user(sandbox)
    {
        wrong.push("the Secrets of production and of the sandbox have the same username".to_owned());
    }
    if prod_host.is_some() && prod_host == sandbox_host && prod.database == sandbox.database {
        wrong.push(format!("production and the sandbox are the same database {}", prod.database));
    }
    Some(DatabaseFound { credentials: prod_secret?, prod_host: prod_host?, sandbox_host: sandbox_host? })
}

/// The host that the Secret leads to, if all it must have is there.
fn check_secret(
    settings: &Settings,
    environment: &Environment,
    secret: &Credentials,
    wrong: &mut Vec<String>,
) -> Option<String> {
    let name = format!("{}/{}", environment.namespace, environment.secret);
    for key in secret.missing() {
        wrong.push(format!("Secret {name} has no key {key}"));
    }
    let host = settings.pg_host.clone().or_else(|| secret.host());
    if host.is_none() {
        wrong.push(format!("Secret {name} has no key host: give --pg-host"));
    }
    host
}

fn no_documents(settings: &Settings, environment: &Environment, rollout: &Rollout) -> Option<String> {
    let name = format!("{}/{}", environment.namespace, environment.deployment);
    match &settings.container {
        _ if rollout.replicas == 0 => Some(format!("Deployment {name} is at 0 replicas: no Pod has the documents")),
        Some(container) if !rollout.containers.contains(container) => {
            Some(format!("Deployment {name} has no container {container}; it has {}", rollout.containers.join(", ")))
        }
        _ => None,
    }
}

fn keep<T>(wrong: &mut Vec<String>, found: Result<T>) -> Option<T> {
    found.map_err(|error| wrong.push(format!("{error:#}"))).ok()
}
