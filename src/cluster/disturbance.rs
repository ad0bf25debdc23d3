//! Whether a sandbox that was stopped stays stopped.
use super::Cluster;
use super::application::{Application, SKIP_RECONCILE};
use super::changed::{Change, changed};
use super::watch::{Selection, states};
use crate::cli::Pause;
use anyhow::{Context, Error, Result, anyhow};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::watcher;
use std::pin::pin;

/// The Deployment at 0, and the Application that must not start it: each as namespace and name.
#[derive(Clone, Copy)]
pub struct Stopped<'a> {
    pub deployment: (&'a str, &'a str),
    pub application: (&'a str, &'a str),
    pub pause: Pause,
}

impl Stopped<'_> {
    fn scaled(&self, deployment: &Deployment) -> Option<Error> {
        let (namespace, name) = self.deployment;
        let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let change = changed(&deployment.metadata, &["spec", "replicas"]);
        (replicas != 0)
            .then(|| anyhow!("Deployment {namespace}/{name} was scaled to {replicas} meanwhile, by {}", who(change)))
    }

    fn rearmed(&self, application: Application) -> Option<Error> {
        let (namespace, name) = self.application;
        if !application.acts_by_itself() {
            return None;
        }
        let owner = application.blame(self.pause);
        Some(match self.pause {
            Pause::Automated => {
                let by = who(application.changed);
                anyhow!(
                    "automated sync of Application {namespace}/{name} was turned on again meanwhile, by {by}{owner}"
                )
            }
            // A field that is gone has no writer.
            Pause::SkipReconcile => {
                anyhow!("somebody took {SKIP_RECONCILE} away from Application {namespace}/{name} meanwhile{owner}")
            }
        })
    }
}

fn who(change: Option<Change>) -> String {
    change.map_or("somebody whom the API server does not name".to_owned(), |change| change.to_string())
}

impl Cluster {
    /// Asks for both once.
    ///
    /// # Errors
    /// What has disturbed it, with who; or one of the two cannot be read.
    pub async fn still_stopped(&self, stopped: Stopped<'_>) -> Result<()> {
        let ((namespace, name), (argocd, application)) = (stopped.deployment, stopped.application);
        let what = format!("get Deployment {namespace}/{name}");
        let deployments = self.deployments(namespace);
        let (deployment, application) =
            tokio::try_join!(self.call(&what, deployments.get(name)), self.application(argocd, application))?;
        match stopped.scaled(&deployment).or_else(|| stopped.rearmed(application)) {
            Some(disturbed) => Err(disturbed),
            None => Ok(()),
        }
    }

    /// Watches both, and ends when somebody has put the replicas back or turned automated sync on again, with who.
    /// Also when one of them is gone, or may not be watched: nobody would notice then.
    pub async fn disturbed(&self, stopped: Stopped<'_>) -> Error {
        let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
        let (namespace, deployment) = stopped.deployment;
        let mut deployments = pin!(states(self.deployments(namespace), named(deployment)));
        let (namespace, application) = stopped.application;
        let mut applications = pin!(states(self.applications(namespace), named(application)));
        loop {
            let disturbed = tokio::select! {
                state = deployments.next() => {
                    the(state, stopped.deployment, "Deployment").map(|deployment| stopped.scaled(&deployment))
                }
                state = applications.next() => {
                    let found = the(state, stopped.application, "Application");
                    found.map(|object| stopped.rearmed(Application::read(&object)))
                }
            };
            match disturbed {
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => return error,
            }
        }
    }
}

/// The one object of a watch's state.
fn the<K>(state: Option<Result<Selection<K>>>, (namespace, name): (&str, &str), kind: &str) -> Result<K> {
    let mut selection = state.with_context(|| format!("the watch of {kind} {namespace}/{name} ended"))??;
    selection.remove(name).with_context(|| format!("{kind} {namespace}/{name} was deleted meanwhile"))
}
