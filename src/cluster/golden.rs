//! The golden Pod: the one place where checkpoints are made and come back from. Warm, a Deployment keeps it; cold, a Job of one run.
mod manifest;
mod start;

pub use manifest::GoldenPod;

use super::exec::PodRef;
use super::failure::{Refusal, refusal};
use super::job::Owner;
use super::pod::{is_quiet, is_ready};
use super::watch::until;
use super::{Cluster, FIELD_MANAGER, gone};
use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::watcher;
use start::Maker;
use std::time::Duration;

/// The Deployment that keeps a warm Pod: a sandbox has one.
pub const NAME: &str = "sandbox-lifecycle-golden";
/// Its Pods, and only they, have it; the value is a hash of all that the Pod is made of.
const LABEL: &str = "sandbox-lifecycle/golden";
pub(super) const CONTAINER: &str = "golden";
const END_LIMIT: Duration = Duration::from_secs(60);

/// What there is of a warm Pod.
pub enum Warm {
    /// It waits for work.
    Ready(PodRef),
    /// A Deployment of just such a Pod is there, and the Pod is not Ready.
    Coming,
    /// A Deployment is there, of another version or other settings.
    Other,
    No,
}

impl Cluster {
    /// Whether there is a warm Pod that is just like `wanted`, or another one.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn warm_pod(&self, wanted: &GoldenPod<'_>) -> Result<Warm> {
        let (namespace, hash) = (wanted.namespace, wanted.hash());
        let pods = self.pods(namespace, &format!("{LABEL}={hash}")).await?;
        if let Some(pod) = pods.iter().find(|pod| is_ready(pod)) {
            return Ok(Warm::Ready(golden_container(namespace, pod)));
        }
        let Some(kept) = self.golden_deployment(namespace).await? else { return Ok(Warm::No) };
        let labels = kept.spec.and_then(|spec| spec.template.metadata?.labels).unwrap_or_default();
        Ok(if labels.get(LABEL) == Some(&hash) { Warm::Coming } else { Warm::Other })
    }

    /// A Pod that has the golden volume just now, whatever made it.
    ///
    /// # Errors
    /// Pods may not be listed, or the API server cannot be reached.
    pub async fn pod_with_golden(&self, namespace: &str) -> Result<Option<PodRef>> {
        let pods = self.pods(namespace, LABEL).await?;
        Ok(pods.iter().find(|pod| is_ready(pod)).map(|pod| golden_container(namespace, pod)))
    }

    /// Whether the Deployment's Pod has this claim.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub(super) async fn keeps_claim(&self, namespace: &str, claim: &str) -> Result<bool> {
        let volumes = self.golden_deployment(namespace).await?.and_then(|kept| kept.spec?.template.spec?.volumes);
        let mut claims = volumes.into_iter().flatten().filter_map(|volume| volume.persistent_volume_claim);
        Ok(claims.any(|of| of.claim_name == claim))
    }

    async fn golden_deployment(&self, namespace: &str) -> Result<Option<Deployment>> {
        let what = format!("get Deployment {namespace}/{NAME}");
        self.call(&what, self.deployments(namespace).get_opt(NAME)).await
    }

    /// Makes the Deployment, or replaces one of another version, and waits for its Pod.
    ///
    /// # Errors
    /// Forbidden; the Pod does not come up, and why.
    pub async fn keep_warm(&self, wanted: &GoldenPod<'_>) -> Result<PodRef> {
        let namespace = wanted.namespace;
        let what = format!("create Deployment {namespace}/{NAME}");
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let deployment = wanted.deployment()?;
        let deployments = self.deployments(namespace);
        let created = self.call(&what, deployments.create(&params, &deployment)).await;
        match created {
            Err(error) if refusal(&error) == Some(&Refusal::Conflict) => {
                let what = format!("update Deployment {namespace}/{NAME}");
                self.call(&what, deployments.replace(NAME, &params, &deployment)).await?;
            }
            created => drop(created?),
        }
        self.golden_started(wanted, &Maker::Deployment(wanted)).await
    }

    /// Removes the Deployment, and waits until its Pod does nothing more.
    ///
    /// # Errors
    /// Forbidden, or the Pod still runs after a minute.
    pub async fn cool(&self, namespace: &str) -> Result<bool> {
        let what = format!("delete Deployment {namespace}/{NAME}");
        let deleted = self.call(&what, self.deployments(namespace).delete(NAME, &DeleteParams::background())).await;
        let there = deleted.is_ok();
        gone(deleted)?;
        let what = format!("waiting for the Pod of Deployment {namespace}/{NAME} to end");
        let config = watcher::Config::default().labels(&format!("app={NAME}"));
        until(self.pods_of(namespace), config, END_LIMIT, &what, |pods| {
            Ok(pods.values().all(is_quiet).then_some(there))
        })
        .await
    }

    /// The same Pod for one run. Its undo must be in the journal.
    ///
    /// # Errors
    /// Forbidden; the Pod does not come up, and why.
    pub async fn start_golden(
        &self,
        wanted: &GoldenPod<'_>,
        name: &str,
        run: &str,
        lease: &str,
    ) -> Result<(Owner, PodRef)> {
        // The refresh of the same run has a Pod of its own, whose object may still be there.
        let run = format!("{run}-golden");
        let owner = self.create_job(wanted.namespace, name, &run, &wanted.job(name, &run, lease)?).await?;
        let pod = self.golden_started(wanted, &Maker::Job(&owner)).await?;
        Ok((owner, pod))
    }

    fn pods_of(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn golden_container(namespace: &str, pod: &Pod) -> PodRef {
    let pod = pod.metadata.name.clone().unwrap_or_default();
    PodRef { namespace: namespace.to_owned(), pod, container: Some(CONTAINER.to_owned()) }
}
