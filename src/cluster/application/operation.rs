//! Argo CD's operation in flight: a sync that runs goes on whatever becomes of the policy.
use super::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::watch::found_in;
use anyhow::{Context, Result};
use kube::api::Patch;
use kube::runtime::watcher;
use serde_json::json;
use std::time::Duration;

/// What Argo CD is doing with an Application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    None,
    /// Somebody wants one, and the controller has not begun it.
    Asked,
    Running,
    Terminating,
}

impl Cluster {
    /// Waits by watch until Argo CD has no operation in flight. `false` when it still has one after `limit`.
    ///
    /// # Errors
    /// The Application is gone, or may not be watched.
    pub async fn operation_ended(&self, namespace: &str, name: &str, limit: Duration) -> Result<bool> {
        let what = format!("waiting for Argo CD's operation on Application {namespace}/{name} to end");
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let ended = found_in(self.applications(namespace), config, &what, |found| {
            let object = found.get(name).with_context(|| format!("Application {namespace}/{name} was deleted"))?;
            Ok((object.operation() == Operation::None).then_some(()))
        });
        match tokio::time::timeout(limit, ended).await {
            Ok(ended) => ended.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Asks for the end of an operation, as `argocd app terminate-op` does: by the phase `Terminating`, which the
    /// controller carries out. An operation that has ended meanwhile, or has not begun yet, is left alone.
    ///
    /// # Errors
    /// The Application is gone, or the patch is refused.
    pub async fn terminate_operation(&self, namespace: &str, name: &str) -> Result<()> {
        // The tests make it atomic: a phase written over that of a finished operation would stay for ever, and a request that
        // comes late would end somebody else's operation.
        let what = format!("get Application {namespace}/{name}");
        let object = self.call(&what, self.applications(namespace).get(name)).await?;
        let (phase, started) = ("/status/operationState/phase", "/status/operationState/startedAt");
        let started_at = object.status.pointer("/operationState/startedAt");
        let operations = json!([
            {"op": "test", "path": started, "value": started_at},
            {"op": "test", "path": phase, "value": "Running"},
            {"op": "replace", "path": phase, "value": "Terminating"},
        ]);
        let patch = serde_json::from_value(operations).context("a JSON Patch of our own")?;
        match self.patch_application(namespace, name, &Patch::Json::<()>(patch)).await {
            // The API server's answer to a test that fails is 422, and to a path that is not there as well.
            Err(error) if refusal(&error) == Some(&Refusal::Final) => match self.application(namespace, name).await? {
                now if now.operation == Operation::Running => Err(error),
                _ => Ok(()),
            },
            patched => patched,
        }
    }
}
