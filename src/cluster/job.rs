//! The Job that does the database work: one Pod, an init container `dump`, a container `restore`.
mod follow;
mod hardened;
mod manifest;
mod place;
mod start;
mod watchdog;

pub use follow::{ContainerLog, Line};
pub(super) use hardened::{bounded_job, client_pod, confined, escaped};
pub use manifest::{Container, Env, RefreshJob};
pub use watchdog::Watchdog;

use super::exec::{self, PodRef};
use super::failure::{Refusal, refusal};
use super::watch::until;
use super::{Cluster, FIELD_MANAGER, gone, pod};
use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::watcher;
use std::time::Duration;

/// On every object that the tool makes for one run; its value is the run's id.
pub(super) const RUN_LABEL: &str = "sandbox-lifecycle/run";
/// The grace period of the Pod is 2 s; a node that answers nobody takes longer than this.
const END_LIMIT: Duration = Duration::from_secs(60);

/// The Job as owner of the objects made for it.
#[derive(Clone, Debug)]
pub struct Owner {
    pub namespace: String,
    pub name: String,
    run: String,
    uid: String,
}

impl Owner {
    /// Metadata of an object that the cluster deletes together with the Job.
    pub(super) fn metadata(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.clone()),
            labels: Some(hardened::labels(&self.run)),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".to_owned(),
                kind: "Job".to_owned(),
                name: self.name.clone(),
                uid: self.uid.clone(),
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        }
    }

    pub(super) fn selector(&self) -> String {
        format!("{RUN_LABEL}={}", self.run)
    }
}

impl Cluster {
    /// Creates the Job.
    ///
    /// # Errors
    /// Forbidden, refused by an admission webhook or a quota.
    pub async fn start_job(&self, job: &RefreshJob<'_>) -> Result<Owner> {
        self.create_job(job.namespace, job.name, job.run, &job.manifest()?).await
    }

    /// The Job's name carries the run's id, so one that is there already is this run's own: the answer to the first
    /// attempt was lost.
    pub(super) async fn create_job(&self, namespace: &str, name: &str, run: &str, job: &Job) -> Result<Owner> {
        let what = format!("create Job {namespace}/{name}");
        let jobs = self.jobs(namespace);
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let created = match self.call(&what, jobs.create(&params, job)).await {
            Err(error) if refusal(&error) == Some(&Refusal::Conflict) => self.call(&what, jobs.get(name)).await,
            created => created,
        }?;
        let uid = created.metadata.uid.context("the API server created a Job without a uid")?;
        Ok(Owner { namespace: namespace.to_owned(), name: name.to_owned(), run: run.to_owned(), uid })
    }

    /// Writes one word into the FIFO on which a container's script waits (`/work/go`).
    ///
    /// # Errors
    /// The container has ended, exec is forbidden, or the writing failed.
    pub async fn say(&self, job: &Owner, pod: &str, container: &str, word: &str) -> Result<()> {
        let pod =
            PodRef { namespace: job.namespace.clone(), pod: pod.to_owned(), container: Some(container.to_owned()) };
        let command = ["sh", "-c", "printf '%s\\n' \"$1\" >/work/go", "sh", word];
        let said = tokio::time::timeout(super::CALL_LIMIT, exec::run(&self.client, &pod, &command)).await;
        let said = said.map_err(|_| anyhow!("no answer from container {container} of {pod}"))??;
        said.success(|_| None).map(drop).with_context(|| format!("cannot tell {container} in {pod} to {word}"))
    }

    /// Deletes the Job with its Pods, and waits until none of its containers runs any more. One that starts after that is
    /// ended at once, and harmless: `dump` reads, and `restore` waits for a word that only a running one can be told.
    ///
    /// # Errors
    /// Forbidden, or a container still runs after a minute.
    pub async fn delete_job(&self, namespace: &str, name: &str) -> Result<()> {
        let what = format!("delete Job {namespace}/{name}");
        let jobs = self.jobs(namespace);
        // Without a policy, deleting a Job orphans its Pods (seen on 1.20 and 1.36).
        gone(self.call(&what, jobs.delete(name, &DeleteParams::background())).await)?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let config = watcher::Config::default().labels(&format!("job-name={name}"));
        let what = format!("waiting for the Pod of Job {namespace}/{name} to end");
        until(pods, config, END_LIMIT, &what, |pods| Ok(pods.values().all(pod::is_quiet).then_some(()))).await
    }

    fn jobs(&self, namespace: &str) -> Api<Job> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
