//! Waiting for a container to start: what cannot get better ends it early, with what the cluster says about it.
use super::Owner;
use crate::cluster::events::cannot_work;
use crate::cluster::watch::{Selection, TooLate, until};
use crate::cluster::{Cluster, pod};
use anyhow::{Error, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::watcher;
use std::time::Duration;
use tokio::time::Instant;

/// The Job controller makes a Pod within a second, unless a quota or a webhook keeps it from doing so: after this
/// its warnings are looked at.
const NO_POD_LIMIT: Duration = Duration::from_secs(5);
/// A Secret that the Pod waits for is made right after the Job.
const HITCH_LIMIT: Duration = Duration::from_secs(60);

/// How far a container has come.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    NoPod,
    /// It waits for something that may still come.
    Hitch(String),
    Coming,
    Begun,
}

impl Cluster {
    /// Waits until the Job's container has started, or ended already.
    ///
    /// # Errors
    /// What cannot get better: an image that cannot be pulled, no node for it, a missing Secret after a minute, a
    /// quota that lets no Pod come; each with the last warning Event about the Pod or the Job.
    pub async fn container_started(&self, job: &Owner, container: &str, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        let mut stage = Stage::NoPod;
        while stage != Stage::Begun {
            let error = match self.next_stage(job, container, &stage, deadline).await {
                Ok(next) => {
                    stage = next;
                    continue;
                }
                Err(error) => error,
            };
            // Of a Pod that has not been seen yet there may be warnings already, as that it waits for its Secret.
            let warnings = self.warnings(&job.namespace, &job.name, stage != Stage::NoPod).await;
            // A Job controller that is only slow has not warned.
            let slow = stage == Stage::NoPod && error.is::<TooLate>() && warnings.is_empty();
            if !slow || Instant::now() >= deadline {
                return Err(explain(job, &stage, error, &warnings));
            }
        }
        Ok(())
    }

    /// Waits for another stage, as long as it is worth waiting for in this one.
    async fn next_stage(&self, job: &Owner, container: &str, now: &Stage, deadline: Instant) -> Result<Stage> {
        let limit = match now {
            Stage::NoPod => NO_POD_LIMIT,
            Stage::Hitch(_) => HITCH_LIMIT,
            Stage::Coming | Stage::Begun => Duration::MAX,
        };
        let limit = limit.min(deadline.saturating_duration_since(Instant::now()));
        let what = format!("waiting for container {container} of Job {}/{} to start", job.namespace, job.name);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &job.namespace);
        let config = watcher::Config::default().labels(&job.selector());
        until(pods, config, limit, &what, |pods| Ok(Some(stage(pods, container)?).filter(|stage| stage != now))).await
    }
}

fn explain(job: &Owner, stage: &Stage, error: Error, warnings: &[String]) -> Error {
    let error = match (stage, error.is::<TooLate>()) {
        (Stage::Hitch(hitch), true) => error.context(hitch.clone()),
        _ => error,
    };
    cannot_work(&format!("Job {}/{}", job.namespace, job.name), error, warnings)
}

fn stage(pods: &Selection<Pod>, container: &str) -> Result<Stage> {
    let Some(pod) = pods.values().next() else {
        return Ok(Stage::NoPod);
    };
    if let Some(trouble) = pod::trouble(pod) {
        return Err(trouble.into());
    }
    let state = pod::containers(pod).find(|status| status.name == container);
    let state = state.and_then(|status| status.state.as_ref());
    let begun = state.is_some_and(|state| state.running.is_some() || state.terminated.is_some());
    Ok(match pod::hitch(pod) {
        _ if begun || pod::phase(pod) == "Failed" => Stage::Begun,
        Some(hitch) => Stage::Hitch(hitch),
        None => Stage::Coming,
    })
}
