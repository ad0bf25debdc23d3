//! The application's Deployment: its replicas, and the ways down and up.
use super::pod::{has_ended, trouble};
use super::tied::{anew, tied};
use super::watch::until;
use super::{Cluster, FIELD_MANAGER};
use anyhow::{Context, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::watcher;
use serde_json::json;
use std::time::Duration;

/// Longer than any grace period met in life.
const STOP_LIMIT: Duration = Duration::from_secs(180);
const START_LIMIT: Duration = Duration::from_secs(300);

/// What matters of a Deployment as it stands in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub replicas: i32,
    /// `spec.selector` as a label selector.
    pub selector: String,
    pub containers: Vec<String>,
    /// Its `resourceVersion`.
    pub version: String,
}

impl Cluster {
    /// # Errors
    /// Not found, forbidden, or selected by expressions instead of labels.
    pub async fn deployment(&self, namespace: &str, name: &str) -> Result<Rollout> {
        let what = format!("get Deployment {namespace}/{name}");
        let deployment = self.call(&what, self.deployments(namespace).get(name)).await?;
        let spec = deployment.spec.with_context(|| format!("Deployment {namespace}/{name} has no spec"))?;
        let labels = spec.selector.match_labels.unwrap_or_default();
        if labels.is_empty() || spec.selector.match_expressions.is_some_and(|all| !all.is_empty()) {
            bail!("Deployment {namespace}/{name} selects its Pods by expressions; only matchLabels are supported");
        }
        let pod = spec.template.spec.unwrap_or_default();
        Ok(Rollout {
            replicas: spec.replicas.unwrap_or(1),
            selector: labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","),
            containers: pod.containers.into_iter().map(|container| container.name).collect(),
            version: deployment.metadata.resource_version.unwrap_or_default(),
        })
    }

    /// Scales the Deployment, if it still is at this version.
    ///
    /// # Errors
    /// It has changed since; not found, or forbidden.
    pub async fn scale(&self, namespace: &str, name: &str, replicas: i32, version: &str) -> Result<()> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(tied(json!({"spec": {"replicas": replicas}}), version));
        let what = format!("scale Deployment {namespace}/{name} to {replicas}");
        self.call(&what, self.deployments(namespace).patch_scale(name, &params, &patch)).await.map(drop)
    }

    /// Brings the Deployment back to `replicas`, from a scale-down that was tied to the version `down_at`.
    ///
    /// One that still has its replicas at that very version may be scaled down yet, by the request that is on its way. So it is
    /// scaled down first: of two requests that are tied to one version, one is refused.
    ///
    /// # Errors
    /// Not found, or forbidden; it was changed each time.
    pub async fn scale_back(&self, namespace: &str, name: &str, replicas: i32, down_at: Option<&str>) -> Result<()> {
        anew(async || {
            let mut now = self.deployment(namespace, name).await?;
            if now.replicas == replicas && Some(now.version.as_str()) == down_at {
                self.scale(namespace, name, 0, &now.version).await?;
                now = self.deployment(namespace, name).await?;
            }
            match now.replicas == replicas {
                true => Ok(()),
                false => self.scale(namespace, name, replicas, &now.version).await,
            }
        })
        .await
    }

    /// Waits until no container of the selected Pods runs. A Pod's object may stay for 10 s more
    /// (measured on Kubernetes 1.20), but nothing of it can write any longer.
    ///
    /// # Errors
    /// Still running after three minutes, naming the Pods.
    pub async fn stopped(&self, namespace: &str, selector: &str, left: impl Fn(usize)) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("waiting for the Pods with {selector} in {namespace} to end");
        until(pods, watcher::Config::default().labels(selector), STOP_LIMIT, &what, |pods| {
            let running = pods.values().filter(|pod| !has_ended(pod)).count();
            left(running);
            Ok((running == 0).then_some(()))
        })
        .await
    }

    /// Waits until the Deployment's controller has `replicas` Pods Ready, or as many as an autoscaler, which is awake
    /// again, has brought it down to.
    ///
    /// # Errors
    /// Not after five minutes, with what the Pods say (an image that cannot be pulled, a crash).
    pub async fn ready(&self, namespace: &str, name: &str, replicas: i32) -> Result<()> {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let what = format!("waiting for Deployment {namespace}/{name} to have {replicas} Pods Ready");
        let ready = until(self.deployments(namespace), config, START_LIMIT, &what, |found| {
            Ok(found.get(name).filter(|deployment| is_ready(deployment, replicas)).map(drop))
        });
        match ready.await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(self.why_not_ready(namespace, name).await)),
        }
    }

    async fn why_not_ready(&self, namespace: &str, name: &str) -> String {
        let pods = async {
            let rollout = self.deployment(namespace, name).await?;
            self.pods(namespace, &rollout.selector).await
        };
        match pods.await {
            Ok(pods) => match pods.iter().find_map(trouble) {
                Some(trouble) => format!("{namespace}/{name} does not start: {trouble}"),
                None => format!(
                    "{namespace}/{name} does not become Ready; `kubectl -n {namespace} describe deployment {name}` tells more"
                ),
            },
            Err(error) => format!("{namespace}/{name} does not become Ready, and its Pods cannot be read ({error:#})"),
        }
    }

    pub(super) fn deployments(&self, namespace: &str) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn is_ready(deployment: &Deployment, replicas: i32) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let seen = status.observed_generation >= deployment.metadata.generation;
    let asked = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let wanted = replicas.min(asked);
    let reached = |count: Option<i32>| count.unwrap_or(0) >= wanted;
    seen && asked > 0 && reached(status.ready_replicas) && reached(status.updated_replicas)
}
