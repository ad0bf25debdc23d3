//! Everything that a command needs, looked at one by one without changing anything; each finding says how to mend it.
mod argocd;
mod bucket;
mod databases;
pub mod deep;
mod golden;
mod lease;
mod pods;
mod quota;
mod rights;
mod secrets;

use super::preflight::Remarks;
use crate::cli::{Task, named};
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::settings::{Environment, Settings};
use serde::Serialize;
use std::fmt::Display;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// The command will run, but this should be known.
    Warning,
    /// The command cannot end well.
    Failed,
}

/// One line of the doctor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    pub state: State,
    pub says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    fn new(check: &'static str, state: State, says: impl Display) -> Self {
        Self { check, state, says: says.to_string(), fix: None }
    }

    fn ok(check: &'static str, says: impl Display) -> Self {
        Self::new(check, State::Ok, says)
    }

    fn warning(check: &'static str, says: impl Display) -> Self {
        Self::new(check, State::Warning, says)
    }

    fn failed(check: &'static str, error: &anyhow::Error) -> Self {
        Self::new(check, State::Failed, format!("{error:#}"))
    }

    /// With the commands in it as the operator types them.
    fn fix(self, fix: impl Display) -> Self {
        Self { fix: Some(named(&fix.to_string())), ..self }
    }
}

/// The preflight's remarks as findings; `fix` for what is wrong.
fn findings(check: &'static str, remarks: Remarks, fix: &str) -> Vec<Finding> {
    let Remarks { wrong, warnings, notes } = remarks;
    let wrong = wrong.into_iter().map(|says| Finding::new(check, State::Failed, says).fix(fix));
    let warnings = warnings.into_iter().map(|says| Finding::warning(check, says));
    wrong.chain(warnings).chain(notes.into_iter().map(|says| Finding::ok(check, says))).collect()
}

/// What a command works on.
#[derive(Clone, Copy)]
struct Needs {
    database: bool,
    documents: bool,
    golden: bool,
    backup: bool,
}

impl Needs {
    fn of(task: Task) -> Self {
        Self {
            database: matches!(task, Task::Refresh | Task::RefreshFromProd),
            documents: matches!(task, Task::Refresh | Task::SyncDocuments),
            golden: matches!(task, Task::Checkpoint | Task::Reset | Task::Diff),
            backup: task == Task::Backup,
        }
    }
}

/// Reads only.
pub async fn examine(settings: &Settings, cluster: &Cluster, task: Task) -> Vec<Finding> {
    let needs = Needs::of(task);
    let server = server(cluster).await;
    if server.state == State::Failed {
        return vec![server];
    }
    let mut all = vec![server];
    if !needs.golden
        && let Err(error) = super::preflight::apart(settings)
    {
        let fix = "--sandbox-namespace names the namespace of the sandbox, which must be its own";
        return vec![all.remove(0), Finding::failed("namespaces", &error).fix(fix)];
    }
    all.extend(rights::check(settings, cluster, task).await);
    let Settings { prod, sandbox, .. } = settings;
    let source = if needs.golden { None } else { rollout(settings, cluster, prod, needs, &mut all).await };
    let target = rollout(settings, cluster, sandbox, needs, &mut all).await;
    if needs.database {
        all.extend(argocd::check(settings, cluster).await);
        all.extend(secrets::check(settings, cluster).await);
    }
    if needs.golden {
        all.extend(secrets::of(settings, cluster, sandbox).await);
        all.extend(golden::check(settings, cluster, task).await);
    }
    if needs.backup {
        all.extend(bucket::check(settings, cluster).await);
    }
    if needs.database || needs.golden || needs.backup {
        all.push(pods::image(settings, cluster).await);
        all.extend(quota::check(settings, cluster, needs.golden).await);
    }
    if needs.documents {
        let sides = [(prod, source, "in production"), (sandbox, target, "in the sandbox")];
        all.extend(pods::documents(settings, cluster, sides).await);
    }
    all.push(lease::check(settings, cluster).await);
    all
}

/// What to do about an API server that does not answer.
pub const SERVER_FIX: &str =
    "check the kubeconfig, its context (--context) and its credentials: `kubectl version` must answer";

async fn server(cluster: &Cluster) -> Finding {
    match cluster.server().await {
        Ok(server) => Finding::ok("API server", server),
        Err(error) => Finding::failed("API server", &error).fix(SERVER_FIX),
    }
}

async fn rollout(
    settings: &Settings,
    cluster: &Cluster,
    environment: &Environment,
    needs: Needs,
    all: &mut Vec<Finding>,
) -> Option<Rollout> {
    let Environment { namespace, deployment, .. } = environment;
    let option = if *environment == settings.prod { "prod" } else { "sandbox" };
    let fix = format!("--{option}-namespace and --{option}-deployment (and --container) name the application");
    let found = match cluster.deployment(namespace, deployment).await {
        Ok(found) => found,
        Err(error) => {
            all.push(Finding::failed("Deployment", &error).fix(fix));
            return None;
        }
    };
    let says =
        format!("{namespace}/{deployment}: replicas {}, containers {}", found.replicas, found.containers.join(", "));
    let wrong = super::preflight::no_documents(settings, environment, &found).filter(|_| needs.documents);
    all.push(match wrong {
        Some(wrong) if found.replicas == 0 => {
            let up = format!("kubectl -n {namespace} scale deployment {deployment} --replicas=1");
            let stopped =
                format!("`sandbox-lifecycle recover` if a run that was ended has stopped it (see Lease), else {up}");
            Finding::new("Deployment", State::Failed, wrong).fix(stopped)
        }
        Some(wrong) => Finding::new("Deployment", State::Failed, wrong).fix(fix),
        None if found.replicas == 0 && option == "sandbox" => {
            let up = format!("kubectl -n {namespace} scale deployment {deployment} --replicas=1");
            Finding::warning("Deployment", format!("{says}; it is left at 0")).fix(up)
        }
        None => Finding::ok("Deployment", says),
    });
    Some(found)
}
