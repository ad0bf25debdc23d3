//! How long the sandbox is down, as the cluster itself shows it: whoever stops it is measured in the same way.

use super::kubectl::Kubectl;
use super::self_heal::client;
use crate::support::sandbox::SANDBOX;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Downtime(JoinHandle<f64>);

impl Downtime {
    /// Watches from now on.
    pub(crate) async fn watch(kubectl: &Kubectl) -> Self {
        let deployments: Api<Deployment> = Api::namespaced(client(kubectl).await, SANDBOX);
        let (seen, first_seen) = oneshot::channel();
        let watching = tokio::spawn(measure(deployments, seen));
        first_seen.await.expect("the Deployment is there");
        Self(watching)
    }

    /// Seconds from the scale to 0 until it was Ready again.
    pub(crate) async fn seconds(self) -> f64 {
        self.0.await.expect("it was watched")
    }
}

async fn measure(deployments: Api<Deployment>, seen: oneshot::Sender<()>) -> f64 {
    let config = watcher::Config::default().fields(&format!("metadata.name={SANDBOX}"));
    let mut states = watcher(deployments, config).default_backoff().applied_objects().boxed();
    let (mut seen, mut stopped) = (Some(seen), None);
    while let Ok(Some(deployment)) = states.try_next().await {
        if let Some(seen) = seen.take() {
            // Nobody waits any more: the benchmark has failed.
            let _ = seen.send(());
        }
        let replicas = deployment.spec.and_then(|spec| spec.replicas);
        let ready = deployment.status.and_then(|status| status.ready_replicas).unwrap_or(0);
        match (replicas, stopped) {
            (Some(0), None) => stopped = Some(Instant::now()),
            (Some(wanted), Some(since)) if wanted > 0 && ready == wanted => {
                return Instant::elapsed(&since).as_secs_f64();
            }
            _ => {}
        }
    }
    panic!("the watch of the Deployment ended");
}
