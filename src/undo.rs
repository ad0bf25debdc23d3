//! What can be put back, as plain data: it goes into the Lease before the change that it undoes is made.
use crate::cluster::Cluster;
use crate::cluster::application::{SKIP_RECONCILE, resumed};
use crate::cluster::golden;
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::{self, Display};

/// Idempotent: to undo what was never done is a success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Undo {
    /// `automated` is the exact object that stood there before the pause.
    ResumeAutomatedSync {
        namespace: String,
        application: String,
        automated: Value,
    },
    /// `value` is what stood in the annotation before; `None` when there was none.
    RestoreSkipReconcile {
        namespace: String,
        application: String,
        value: Option<String>,
    },
    ScaleTo {
        namespace: String,
        deployment: String,
        replicas: i32,
        /// The version of the Deployment that the scale-down was tied to; none in a journal of before it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_at: Option<String>,
    },
    /// Ends its containers too: a restore that has not committed is rolled back by the server.
    DeleteJob {
        namespace: String,
        name: String,
    },
    DeleteSecret {
        namespace: String,
        name: String,
    },
    /// The Deployment of a golden Pod that is not up yet; one that is stays.
    RemoveGolden {
        namespace: String,
    },
}

impl Undo {
    /// The journal of the Lease in this namespace, as text; without one, nothing was left to put back.
    ///
    /// # Errors
    /// It is no journal, or none of a run that had this Lease: those change nothing but Applications elsewhere. Which of those they may
    /// change is not known here: those that deploy to this namespace.
    pub fn journal(text: Option<&str>, namespace: &str) -> Result<Vec<Self>> {
        let journal: Vec<Self> = text.map_or(Ok(Vec::new()), serde_json::from_str)?;
        match journal.iter().find(|undo| undo.namespace().is_some_and(|of| of != namespace)) {
            None => Ok(journal),
            Some(undo) => bail!("it would put back something outside of namespace {namespace}: {undo}"),
        }
    }

    /// A sentence for each, in the order of their playing back. A Job stands twice in a journal: it must be gone before the replicas come
    /// back, and it must be gone at the end.
    pub fn told(journal: &[Self]) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for undo in journal.iter().rev().map(Self::to_string) {
            if !told.contains(&undo) {
                told.push(undo);
            }
        }
        told
    }

    /// The Application that it changes: its namespace and name.
    pub fn application(&self) -> Option<(&str, &str)> {
        match self {
            Self::ResumeAutomatedSync { namespace, application, .. }
            | Self::RestoreSkipReconcile { namespace, application, .. } => Some((namespace, application)),
            _ => None,
        }
    }

    /// Where it changes something, if that is always where the Lease is.
    fn namespace(&self) -> Option<&str> {
        match self {
            Self::ResumeAutomatedSync { .. } | Self::RestoreSkipReconcile { .. } => None,
            Self::ScaleTo { namespace, .. }
            | Self::DeleteJob { namespace, .. }
            | Self::DeleteSecret { namespace, .. }
            | Self::RemoveGolden { namespace } => Some(namespace),
        }
    }

    /// # Errors
    /// As the verbs of [`Cluster`]; nothing is swallowed.
    pub async fn run(&self, cluster: &Cluster) -> Result<()> {
        match self {
            Self::ResumeAutomatedSync { namespace, application, automated } => {
                cluster.restore_automated(namespace, application, automated).await
            }
            Self::RestoreSkipReconcile { namespace, application, value } => {
                cluster.restore_skip_reconcile(namespace, application, value.as_deref()).await
            }
            Self::ScaleTo { namespace, deployment, replicas, down_at } => {
                cluster.scale_back(namespace, deployment, *replicas, down_at.as_deref()).await
            }
            Self::DeleteJob { namespace, name } => cluster.delete_job(namespace, name).await,
            Self::DeleteSecret { namespace, name } => cluster.delete_secret(namespace, name).await,
            Self::RemoveGolden { namespace } => cluster.cool(namespace).await.map(drop),
        }
    }

    /// As it is told when it is done.
    pub fn done(&self) -> String {
        match self.removes() {
            Some(object) => format!("{object} is removed"),
            None => self.to_string(),
        }
    }

    /// The object that goes, where this is all.
    fn removes(&self) -> Option<String> {
        match self {
            Self::DeleteJob { namespace, name } => Some(format!("Job {namespace}/{name}")),
            Self::DeleteSecret { namespace, name } => Some(format!("Secret {namespace}/{name}")),
            Self::RemoveGolden { namespace } => Some(format!("Deployment {namespace}/{}", golden::NAME)),
            Self::ResumeAutomatedSync { .. } | Self::RestoreSkipReconcile { .. } | Self::ScaleTo { .. } => None,
        }
    }

    /// The command that does the same by hand.
    pub fn by_hand(&self) -> String {
        match self {
            Self::ResumeAutomatedSync { namespace, application, automated } => {
                // What the pause may have added.
                let patch = resumed(automated, ["enabled", "selfHeal"]);
                format!("kubectl -n {namespace} patch application {application} --type merge -p {}", quoted(&patch))
            }
            Self::RestoreSkipReconcile { namespace, application, value } => {
                let patch = serde_json::json!({"metadata": {"annotations": {SKIP_RECONCILE: value}}});
                format!("kubectl -n {namespace} patch application {application} --type merge -p {}", quoted(&patch))
            }
            Self::ScaleTo { namespace, deployment, replicas, .. } => {
                format!("kubectl -n {namespace} scale deployment {deployment} --replicas={replicas}")
            }
            Self::DeleteJob { namespace, name } => {
                format!("kubectl -n {namespace} delete job {name} --ignore-not-found")
            }
            Self::DeleteSecret { namespace, name } => {
                format!("kubectl -n {namespace} delete secret {name} --ignore-not-found")
            }
            Self::RemoveGolden { namespace } => {
                format!("kubectl -n {namespace} delete deployment {} --ignore-not-found", golden::NAME)
            }
        }
    }
}

/// As it is told while it is still to be done.
impl Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResumeAutomatedSync { namespace, application, .. } => {
                write!(f, "automated sync of Application {namespace}/{application}")
            }
            Self::RestoreSkipReconcile { namespace, application, .. } => {
                write!(f, "reconciliation of Application {namespace}/{application}")
            }
            Self::ScaleTo { namespace, deployment, replicas, .. } => {
                let plural = if *replicas == 1 { "" } else { "s" };
                write!(f, "Deployment {namespace}/{deployment} at {replicas} replica{plural}")
            }
            Self::DeleteJob { .. } | Self::DeleteSecret { .. } | Self::RemoveGolden { .. } => {
                write!(f, "{} is to be removed", self.removes().unwrap_or_default())
            }
        }
    }
}

/// For a shell: within single quotes only a single quote is special.
fn quoted(patch: &Value) -> String {
    format!("'{}'", patch.to_string().replace('\'', r"'\''"))
}
