//! Waiting for the golden Pod: what cannot get better ends it early, and whatever the cluster says about it is told.
use super::{GoldenPod, LABEL, NAME, golden_container};
use crate::cluster::Cluster;
use crate::cluster::events::cannot_work;
use crate::cluster::exec::PodRef;
use crate::cluster::job::Owner;
use crate::cluster::pod::{self, is_ready, phase};
use crate::cluster::watch::{Selection, TooLate, until};
use anyhow::{Error, Result, anyhow};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::runtime::watcher;
use std::time::Duration;
use tokio::time::Instant;

/// A Pod is made within a second, unless a quota or a webhook keeps it from being made: after each of these that is asked for.
const NO_POD_LIMIT: Duration = Duration::from_secs(5);
/// A claim that nothing provides for stays Pending for ever, and so long nothing is done about a Pod that is not there.
const STUCK_LIMIT: Duration = Duration::from_secs(60);
/// An image on a slow registry, and a volume that must be attached first.
const START_LIMIT: Duration = Duration::from_secs(360);

/// What makes the Pod.
pub(super) enum Maker<'a> {
    /// It makes another Pod for each that has ended.
    Deployment(&'a GoldenPod<'a>),
    /// It makes one.
    Job(&'a Owner),
}

impl Maker<'_> {
    /// Of its Pods.
    fn selector(&self) -> String {
        match self {
            Self::Deployment(wanted) => format!("{LABEL}={}", wanted.hash()),
            Self::Job(owner) => owner.selector(),
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Deployment(wanted) => format!("Deployment {}/{NAME}", wanted.namespace),
            Self::Job(owner) => format!("Job {}/{}", owner.namespace, owner.name),
        }
    }

    /// Whether anything can still become of the Pod. What is left of an evicted one is not what the Deployment makes in its place.
    fn counts(&self, pod: &Pod) -> bool {
        let is_over = matches!(phase(pod), "Succeeded" | "Failed") || pod.metadata.deletion_timestamp.is_some();
        matches!(self, Self::Job(_)) || !is_over
    }
}

/// How far the Pod has come.
#[derive(PartialEq)]
enum Stage {
    NoPod,
    /// Its claim has no volume.
    Unbound,
    Coming,
    Ready(PodRef),
}

impl Stage {
    /// How long nothing more may come of it.
    fn patience(&self) -> Duration {
        match self {
            Self::NoPod | Self::Unbound => STUCK_LIMIT,
            Self::Coming | Self::Ready(_) => START_LIMIT,
        }
    }
}

impl Cluster {
    /// Waits until the Pod is Ready.
    ///
    /// # Errors
    /// Why it does not become so.
    pub(super) async fn golden_started(&self, wanted: &GoldenPod<'_>, maker: &Maker<'_>) -> Result<PodRef> {
        let begun = Instant::now();
        let (mut stage, mut since) = (Stage::NoPod, begun);
        loop {
            let end = (since + stage.patience()).min(begun + START_LIMIT);
            let look = if stage == Stage::NoPod { end.min(Instant::now() + NO_POD_LIMIT) } else { end };
            let error = match self.next_golden_stage(wanted.namespace, maker, &stage, look).await {
                Ok(Stage::Ready(pod)) => return Ok(pod),
                Ok(next) => {
                    (stage, since) = (next, Instant::now());
                    continue;
                }
                Err(error) => error,
            };
            let refused = match stage {
                Stage::NoPod => self.no_pod(wanted.namespace, maker).await,
                _ => None,
            };
            // Whatever makes the Pod may only be slow.
            let slow = stage == Stage::NoPod && error.is::<TooLate>() && refused.is_none();
            if !slow || Instant::now() >= end {
                return Err(self.why_no_golden(wanted, maker, &stage, refused, error).await);
            }
        }
    }

    /// Waits for another stage.
    async fn next_golden_stage(&self, namespace: &str, maker: &Maker<'_>, now: &Stage, end: Instant) -> Result<Stage> {
        let what = "waiting for the golden Pod to start";
        let config = watcher::Config::default().labels(&maker.selector());
        let limit = end.saturating_duration_since(Instant::now());
        let next = |pods: &Selection<Pod>| Ok(Some(stage(namespace, pods, maker)?).filter(|stage| stage != now));
        until(self.pods_of(namespace), config, limit, what, next).await
    }

    /// Why there is no Pod, if its maker may make none. A Deployment's Events do not tell: those of a former one of the same name are
    /// there for an hour.
    async fn no_pod(&self, namespace: &str, maker: &Maker<'_>) -> Option<String> {
        match maker {
            Maker::Job(owner) => self.warnings(namespace, &owner.name, false).await.pop(),
            Maker::Deployment(_) => {
                let found = self.golden_deployment(namespace).await.ok()??;
                let status = found.status?;
                let conditions =
                    status.conditions.filter(|_| status.observed_generation >= found.metadata.generation)?;
                let failure =
                    conditions.into_iter().find(|one| one.type_ == "ReplicaFailure" && one.status == "True")?;
                Some([failure.reason, failure.message].map(Option::unwrap_or_default).join(": "))
            }
        }
    }

    /// Whatever the cluster tells of the Pod and its claim.
    async fn why_no_golden(
        &self,
        wanted: &GoldenPod<'_>,
        maker: &Maker<'_>,
        stage: &Stage,
        refused: Option<String>,
        error: Error,
    ) -> Error {
        let (namespace, name) = (wanted.namespace, wanted.claim);
        if let Some(refused) = refused {
            return cannot_work(&maker.told(), error, &[refused]);
        }
        let pods = self.pods(namespace, &maker.selector()).await.unwrap_or_default();
        let pods: Vec<&Pod> = pods.iter().filter(|pod| maker.counts(pod)).collect();
        let named = |name: &str| pods.iter().any(|pod| pod.metadata.name.as_deref() == Some(name));
        let claim = self.claim(namespace, name).await.ok().flatten().filter(|claim| claim.phase != "Bound");
        // One that gets its volume when its Pod has a node is unbound until then, and not what is amiss.
        if let Some(claim) = claim.filter(|_| *stage == Stage::Unbound) {
            let warnings = self.warnings_about(namespace, |about| about == name).await;
            return cannot_work(&maker.told(), error.context(claim.wait()), &warnings);
        }
        let error = match pods.iter().find_map(|pod| pod::hitch(pod)) {
            Some(hitch) => error.context(hitch),
            None if pods.is_empty() => {
                return error.context("there is no Pod for it: none was made, or it was deleted");
            }
            None => error,
        };
        cannot_work(&maker.told(), error, &self.warnings_about(namespace, named).await)
    }
}

fn stage(namespace: &str, pods: &Selection<Pod>, maker: &Maker<'_>) -> Result<Stage> {
    let pods: Vec<&Pod> = pods.values().filter(|pod| maker.counts(pod)).collect();
    if let Some(pod) = pods.iter().find(|pod| is_ready(pod)) {
        return Ok(Stage::Ready(golden_container(namespace, pod)));
    }
    match pods.iter().find_map(|pod| pod::trouble(pod)) {
        // A claim that was made just now gets its volume within seconds; until then the scheduler calls the Pod unschedulable.
        Some(trouble) if trouble.to_string().to_lowercase().contains("persistentvolumeclaim") => Ok(Stage::Unbound),
        Some(trouble) => Err(trouble.into()),
        None => match pods.iter().find_map(|pod| failed(pod)) {
            Some(failed) => Err(anyhow!(failed)),
            None if pods.is_empty() => Ok(Stage::NoPod),
            None => Ok(Stage::Coming),
        },
    }
}

/// That the Pod has ended before it was Ready, and how.
fn failed(pod: &Pod) -> Option<String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let ended = |status: &ContainerStatus| {
        let ended = status.state.as_ref()?.terminated.as_ref()?;
        let reason = ended.reason.as_deref().unwrap_or("Error");
        Some(format!(": container {}: {reason}, exit code {}", status.name, ended.exit_code))
    };
    let how = || pod::containers(pod).find_map(ended).unwrap_or_default();
    (phase(pod) == "Failed").then(|| format!("Pod {name} has failed{}", how()))
}
