//! The watchdog: a Job that recovers the sandbox when the run that made it is gone for good.
use super::Owner;
use super::hardened::{confined, labels, owned_by_lease, user};
use crate::cluster::{Cluster, pod};
use anyhow::{Context, Result, bail};
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use std::time::Duration;

/// Any user but root; nothing is written.
const USER: u32 = 65532;
/// A watchdog that ends early (the API server is away, the node goes) is started again so many times.
const RETRIES: u32 = 6;
const CONTAINER: &str = "watchdog";

/// All that makes the watchdog of one run.
pub struct Watchdog<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub run: &'a str,
    /// The Lease's uid.
    pub lease: &'a str,
    /// Has `sandbox-lifecycle` on its PATH.
    pub image: &'a str,
    /// Has the rights that putting back takes.
    pub service_account: &'a str,
    /// What it will have to put back: the Deployment, and the Application's namespace and name.
    pub deployment: &'a str,
    pub application: (&'a str, &'a str),
    /// How long the holder of the Lease may go without renewing it.
    pub after: Duration,
}

impl Cluster {
    /// Creates the Job. The Lease owns it: whatever deletes the Lease ends the watchdog, too. So it stands in no
    /// journal; one that plays a journal back would find its own deletion in it.
    ///
    /// # Errors
    /// Forbidden, refused by an admission webhook or a quota.
    pub async fn start_watchdog(&self, watchdog: &Watchdog<'_>) -> Result<Owner> {
        let Watchdog { namespace, name, .. } = *watchdog;
        let job = watchdog.manifest()?;
        self.create_job(namespace, name, &watchdog.label(), &job).await
    }

    /// Waits until the watchdog watches.
    ///
    /// # Errors
    /// It cannot start, or has ended: nobody would recover the sandbox.
    pub async fn watchdog_stands(&self, job: &Owner, limit: Duration) -> Result<()> {
        let started = self.container_started(job, CONTAINER, limit).await;
        // One that has ended is started again and again: what it said comes first.
        for found in self.pods(&job.namespace, &job.selector()).await? {
            let states = pod::containers(&found).flat_map(|status| [&status.state, &status.last_state]);
            if let Some(ended) = states.flatten().find_map(|state| state.terminated.as_ref()) {
                let said = ended.message.as_deref().unwrap_or_default().trim();
                bail!(
                    "the watchdog {}/{} does not stay (exit code {}): {said}",
                    job.namespace,
                    job.name,
                    ended.exit_code
                );
            }
        }
        started
    }
}

impl Watchdog<'_> {
    /// Not the run's own: the Pods of its Job are found by that.
    fn label(&self) -> String {
        format!("{}-watchdog", self.run)
    }

    /// # Errors
    /// A bug: the manifest does not fit the Job's type.
    fn manifest(&self) -> Result<Job> {
        let mut labels = labels(&self.label());
        // It talks to the API server, unlike the Jobs that hold credentials: see `manifests networkpolicy`.
        labels.insert("sandbox-lifecycle/watchdog".to_owned(), "true".to_owned());
        // No deadline and no time to live: both would end it while the sandbox may still need it.
        let manifest = json!({
            "metadata": {
                "namespace": self.namespace, "name": self.name, "labels": labels,
                "ownerReferences": owned_by_lease(self.lease),
            },
            "spec": {
                "backoffLimit": RETRIES,
                "template": {"metadata": {"labels": labels}, "spec": self.pod()},
            },
        });
        serde_json::from_value(manifest).context("the watchdog's manifest")
    }

    fn pod(&self) -> Value {
        json!({
            "restartPolicy": "OnFailure",
            "serviceAccountName": self.service_account,
            "enableServiceLinks": false,
            "securityContext": user(USER),
            "containers": [{
                "name": CONTAINER,
                "image": self.image,
                "command": [
                    "sandbox-lifecycle", "recover", "--wait", self.after.as_secs().to_string(),
                    "--sandbox-namespace", self.namespace, "--sandbox-deployment", self.deployment,
                    "--argocd-namespace", self.application.0, "--argocd-application", self.application.1,
                ],
                "env": [{"name": "USER", "value": "watchdog"}],
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "securityContext": confined(),
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"},
                },
            }],
        })
    }
}
