//! Everything a run needs, looked at before anything is touched; all that is wrong is said at once.
mod backup;
pub(super) mod documents;
mod golden;
pub(super) mod started;

use crate::cli::Side;
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::secret::Credentials;
use crate::report::listed;
use crate::settings::{Environment, Settings};
use anyhow::{Context as _, Error, Result, anyhow};
pub use backup::BackupFound;
pub use golden::GoldenFound;

/// What the steps need of what was found.
pub struct Found {
    /// Production's credentials and server; absent when only documents are copied.
    pub database: Option<DatabaseFound>,
    /// Absent where production is not asked for anything.
    pub prod: Option<Rollout>,
    pub sandbox: Rollout,
    /// The golden volume, where checkpoints are made or used.
    pub golden: Option<GoldenFound>,
    /// What is backed up.
    pub backup: Option<BackupFound>,
    /// The sandbox's database server, where it is brought to a backup.
    pub target_host: Option<String>,
    /// Whether the sandbox is stopped meanwhile.
    pub stops: bool,
    /// Whether documents come after the database, production's or a backup's.
    pub copies_documents: bool,
    /// What should be known before the run, but does not stop it.
    pub warnings: Vec<String>,
    pub notes: Vec<String>,
}

impl Found {
    pub(super) fn prod(&self) -> Result<&Rollout> {
        self.prod.as_ref().context("a bug: the preflight did not look at production")
    }
}

/// What was found on the way.
#[derive(Default)]
pub(super) struct Remarks {
    /// Each of these is a reason not to run.
    pub(super) wrong: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Production's credentials, and where the two databases are reached.
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
    /// Production's database is read.
    pub database: bool,
    /// Production's documents are read.
    pub documents: bool,
    /// The sandbox is stopped meanwhile.
    pub stops: bool,
    /// What is done on the golden volume.
    pub golden: Option<Golden>,
    /// Whose database and documents are read for a backup.
    pub backup: Option<Side>,
    /// The sandbox's database is brought to a set of the bucket.
    pub from_backup: bool,
    /// The sandbox's documents are, too.
    pub brings_documents: bool,
}

/// What is done on the golden volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Golden {
    /// Checkpoints are looked at, or removed.
    Look,
    /// The sandbox is compared with one, or brought to one.
    Use,
    /// One is made, and the volume where there is none.
    Make,
    /// The Pod is removed.
    Cool,
}

impl Scope {
    /// Whether production is asked for anything.
    pub fn reads_production(self) -> bool {
        self.database || self.documents || self.backup == Some(Side::Prod)
    }

    /// Whether the sandbox's documents are read or written.
    fn uses_documents(self) -> bool {
        self.documents || self.brings_documents || matches!(self.golden, Some(Golden::Use | Golden::Make))
    }
}

/// Reads only.
///
/// # Errors
/// All problems in one error, a line each.
pub async fn check(settings: &Settings, cluster: &Cluster, scope: Scope) -> Result<Found> {
    let mut remarks = Remarks::default();
    let Settings { prod, sandbox, .. } = settings;
    let sandbox_rollout = cluster.deployment(&sandbox.namespace, &sandbox.deployment);
    let mut golden_wrong = Vec::new();
    let (prod_rollout, sandbox_rollout, golden, stops) = tokio::join!(
        production(settings, cluster, scope),
        sandbox_rollout,
        golden::check(settings, cluster, scope.golden, &mut golden_wrong),
        check_stop(settings, cluster, scope)
    );
    let prod_rollout = keep_named(&mut remarks.wrong, prod_rollout, "prod-deployment").flatten();
    let sandbox_rollout = keep_named(&mut remarks.wrong, sandbox_rollout, "sandbox-deployment");
    remarks.wrong.extend(golden_wrong);
    remarks.add(stops);
    let mut database = None;
    if scope.database {
        database = check_database(settings, cluster, &mut remarks.wrong).await;
    }
    let rollouts = (prod_rollout.as_ref(), sandbox_rollout.as_ref());
    let backup = backup::check(settings, cluster, scope, rollouts, &mut remarks.wrong).await;
    let target_host = backup::target(settings, cluster, scope, &mut remarks.wrong).await;
    if scope.documents || scope.brings_documents {
        remarks.add(documents::check(settings, cluster, [rollouts.0, rollouts.1], scope.stops).await);
    }
    let Remarks { mut wrong, warnings, mut notes } = remarks;
    let documents = [(scope.documents, prod, &prod_rollout), (scope.uses_documents(), sandbox, &sandbox_rollout)];
    for (_, environment, rollout) in documents.into_iter().filter(|(asked, ..)| *asked) {
        wrong.extend(rollout.as_ref().and_then(|rollout| no_documents(settings, environment, rollout)));
    }
    match sandbox_rollout {
        Some(sandbox) if wrong.is_empty() => {
            notes.extend(golden.iter().flat_map(|golden| golden.notes.clone()));
            let prod = prod_rollout;
            let (stops, copies_documents) = (scope.stops, scope.documents || scope.brings_documents);
            Ok(Found { database, prod, sandbox, golden, backup, target_host, stops, copies_documents, warnings, notes })
        }
        _ => Err(in_the_way(&wrong)),
    }
}

/// `None` where production is asked for nothing.
async fn production(settings: &Settings, cluster: &Cluster, scope: Scope) -> Result<Option<Rollout>> {
    match scope.reads_production() {
        true => cluster.deployment(&settings.prod.namespace, &settings.prod.deployment).await.map(Some),
        false => Ok(None),
    }
}

/// Whether the sandbox can be stopped, and stays so.
async fn check_stop(settings: &Settings, cluster: &Cluster, scope: Scope) -> Remarks {
    let mut remarks = Remarks::default();
    if scope.stops {
        let (application, autoscalers) =
            tokio::join!(started::check_application(settings, cluster), started::check_autoscalers(settings, cluster));
        remarks.add(application);
        remarks.add(autoscalers);
    }
    remarks
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
    match wrong {
        [one] => anyhow!("the preflight found a problem: {one}; nothing was changed"),
        all => anyhow!("the preflight found {} problems, and nothing was changed:{}", all.len(), listed(all)),
    }
}

pub(super) async fn check_database(
    settings: &Settings,
    cluster: &Cluster,
    wrong: &mut Vec<String>,
) -> Option<DatabaseFound> {
    let Settings { prod, sandbox, .. } = settings;
    let (prod_secret, sandbox_secret) = tokio::join!(
        cluster.credentials(&prod.namespace, &prod.secret),
        cluster.credentials(&sandbox.namespace, &sandbox.secret)
    );
    let prod_secret = keep_named(wrong, prod_secret, "prod-secret");
    let sandbox_secret = keep_named(wrong, sandbox_secret, "sandbox-secret");
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

/// The server of one database, where the other one is not asked for anything.
pub(super) async fn check_one(
    settings: &Settings,
    cluster: &Cluster,
    environment: &Environment,
    wrong: &mut Vec<String>,
) -> Option<String> {
    let secret = cluster.credentials(&environment.namespace, &environment.secret).await;
    let secret = keep_named(wrong, secret, secret_setting(settings, environment))?;
    check_secret(settings, environment, &secret, wrong)
}

/// The host that the Secret leads to, if all it must have is there.
fn check_secret(
    settings: &Settings,
    environment: &Environment,
    secret: &Credentials,
    wrong: &mut Vec<String>,
) -> Option<String> {
    let name = format!("{}/{}", environment.namespace, environment.secret);
    let setting = secret_setting(settings, environment);
    for key in secret.missing() {
        wrong.push(format!("Secret {name} has no key {key}: add it, or name another Secret by --{setting}"));
    }
    let host = settings.pg_host.clone().or_else(|| secret.host());
    if host.is_none() {
        wrong.push(format!("Secret {name} has no key host: give --pg-host"));
    }
    host
}

pub(super) fn no_documents(settings: &Settings, environment: &Environment, rollout: &Rollout) -> Option<String> {
    let name = format!("{}/{}", environment.namespace, environment.deployment);
    match &settings.container {
        _ if rollout.replicas == 0 => Some(format!("Deployment {name} is at 0 replicas: no Pod has the documents")),
        Some(container) if !rollout.containers.contains(container) => {
            let has = rollout.containers.join(", ");
            Some(format!(
                "Deployment {name} has no container {container}: --container names one of those it has, {has}"
            ))
        }
        _ => None,
    }
}

/// Which one names the Secret.
fn secret_setting(settings: &Settings, environment: &Environment) -> &'static str {
    if environment == &settings.prod { "prod-secret" } else { "sandbox-secret" }
}

/// What is not there may be there under another name, or elsewhere.
fn keep_named<T>(wrong: &mut Vec<String>, found: Result<T>, setting: &str) -> Option<T> {
    let side = setting.split('-').next().unwrap_or_default();
    let see = |error| match refusal(&error) {
        Some(Refusal::NotFound) => anyhow!("{error:#} (see --{setting} and --{side}-namespace)"),
        _ => error,
    };
    keep(wrong, found.map_err(see))
}

fn keep<T>(wrong: &mut Vec<String>, found: Result<T>) -> Option<T> {
    found.map_err(|error| wrong.push(format!("{error:#}"))).ok()
}
