//! The golden Pod: the one place where checkpoints are made and come back from. Warm, a Deployment keeps it; cold, a Job of one run.
mod manifest;

pub use manifest::GoldenPod;

use super::exec::PodRef;
use super::failure::{Refusal, refusal};
use super::job::Owner;
use super::pod::{self, is_quiet, is_ready};
use super::watch::{Selection, TooLate, until};
use super::{Cluster, FIELD_MANAGER, gone};
use anyhow::{Error, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::watcher;
use std::time::Duration;

/// The Deployment that keeps a warm Pod: a sandbox has one.
pub const NAME: &str = "sandbox-lifecycle-golden";
/// Its Pods, and only they, have it; the value is a hash of all that the Pod is made of.
const LABEL: &str = "sandbox-lifecycle/golden";
pub(super) const CONTAINER: &str = "golden";
/// An image on a slow registry, and a volume that must be attached first.
const START_LIMIT: Duration = Duration::from_secs(300);
/// A claim that nothing provides for stays Pending for ever.
const UNBOUND_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(60);

/// What there is of a warm Pod.
pub enum Warm {
    /// It waits for work.
    Ready(PodRef),
    /// There is none that can be used as it is: none is Ready, or it is of another version or other settings.
    No,
}

impl Cluster {
    /// The warm Pod that is just like `wanted`, if there is one.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn warm_pod(&self, wanted: &GoldenPod<'_>) -> Result<Warm> {
        let pods = self.pods(wanted.namespace, &format!("{LABEL}={}", wanted.hash())).await?;
        let ready = pods.iter().find(|pod| is_ready(pod));
        Ok(ready.map_or(Warm::No, |pod| Warm::Ready(golden_container(wanted.namespace, pod))))
    }

    /// A Pod that has the golden volume just now, whatever made it.
    ///
    /// # Errors
    /// Pods may not be listed, or the API server cannot be reached.
    pub async fn pod_with_golden(&self, namespace: &str) -> Result<Option<PodRef>> {
        let pods = self.pods(namespace, LABEL).await?;
        Ok(pods.iter().find(|pod| is_ready(pod)).map(|pod| golden_container(namespace, pod)))
    }

    /// Whether somebody wants it warm.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn is_kept_warm(&self, namespace: &str) -> Result<bool> {
        let what = format!("get Deployment {namespace}/{NAME}");
        Ok(self.call(&what, self.deployments(namespace).get_opt(NAME)).await?.is_some())
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
        self.golden_started(wanted, &format!("{LABEL}={}", wanted.hash())).await
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
        let pod = self.golden_started(wanted, &owner.selector()).await?;
        Ok((owner, pod))
    }

    async fn golden_started(&self, wanted: &GoldenPod<'_>, selector: &str) -> Result<PodRef> {
        let (namespace, claim) = (wanted.namespace, wanted.claim);
        let what = "waiting for the golden Pod to start";
        let config = watcher::Config::default().labels(selector);
        // One that nothing is done about by then: its claim has no volume, or it is not there, not made or deleted again.
        let stuck = std::cell::Cell::new(true);
        let started = |pods: &Selection<Pod>| {
            let (pod, wait) = (ready_of(namespace, pods), unbound_claim(pods));
            stuck.set(wait || pods.is_empty());
            match pods.values().find_map(pod::trouble) {
                _ if pod.is_some() || wait => Ok(pod),
                Some(trouble) => Err(trouble.into()),
                None => Ok(None),
            }
        };
        let first = until(self.pods_of(namespace), config.clone(), UNBOUND_LIMIT, what, started).await;
        let error = match first {
            Err(error) if error.is::<TooLate>() && !stuck.get() => {
                match until(self.pods_of(namespace), config, START_LIMIT, what, started).await {
                    Ok(pod) => return Ok(pod),
                    Err(error) => error,
                }
            }
            Ok(pod) => return Ok(pod),
            Err(error) => error,
        };
        Err(self.why_no_golden(namespace, claim, selector, error).await)
    }

    /// Whatever the cluster tells of the Pod and its claim.
    async fn why_no_golden(&self, namespace: &str, claim: &str, selector: &str, error: Error) -> Error {
        let claim = self.claim(namespace, claim).await.ok().flatten();
        if let Some(claim) = claim.filter(|claim| claim.phase != "Bound") {
            return error.context(claim.wait());
        }
        let pods = self.pods(namespace, selector).await.unwrap_or_default();
        match pods.iter().find_map(pod::hitch) {
            Some(hitch) => error.context(hitch),
            None if pods.is_empty() => error.context("there is no Pod for it: none was made, or it was deleted"),
            None => error,
        }
    }

    fn pods_of(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn golden_container(namespace: &str, pod: &Pod) -> PodRef {
    let pod = pod.metadata.name.clone().unwrap_or_default();
    PodRef { namespace: namespace.to_owned(), pod, container: Some(CONTAINER.to_owned()) }
}

fn ready_of(namespace: &str, pods: &Selection<Pod>) -> Option<PodRef> {
    pods.values().find(|pod| is_ready(pod)).map(|pod| golden_container(namespace, pod))
}

/// A claim that was made just now gets its volume within seconds; until then the scheduler calls the Pod unschedulable.
fn unbound_claim(pods: &Selection<Pod>) -> bool {
    let trouble = |pod| {
        pod::trouble(pod).is_some_and(|trouble| trouble.to_string().to_lowercase().contains("persistentvolumeclaim"))
    };
    pods.values().any(trouble)
}
