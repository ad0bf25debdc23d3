//! What Argo CD's self-heal does to a live Deployment: as long as the Application is armed, replicas are put back at once.

use super::kubectl::Kubectl;
use crate::support::sandbox::SANDBOX;
use futures::{StreamExt, TryStreamExt, future};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinHandle;

/// Ends with the test.
pub(crate) struct SelfHeal {
    heals: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl SelfHeal {
    /// Watches the sandbox, whose manifest in Git says `replicas`.
    pub(crate) async fn start(kubectl: &Kubectl, replicas: i32) -> Self {
        let client = client(kubectl).await;
        let heals = Arc::new(AtomicU32::new(0));
        let task = tokio::spawn(fight(client, replicas, heals.clone()));
        Self { heals, task }
    }

    /// How often it has put replicas back.
    pub(crate) fn heals(&self) -> u32 {
        self.heals.load(Ordering::SeqCst)
    }
}

impl Drop for SelfHeal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With kubectl's own rights.
pub(super) async fn client(kubectl: &Kubectl) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubectl.kubeconfig()).expect("the kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("the kubeconfig")).expect("a client")
}

async fn fight(client: Client, replicas: i32, heals: Arc<AtomicU32>) {
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    let resource = ApiResource::from_gvk_with_plural(&kind, "applications");
    let applications: Api<DynamicObject> = Api::namespaced_with(client.clone(), "argocd", &resource);
    let deployments: Api<Deployment> = Api::namespaced(client, SANDBOX);
    let (mut armed, mut live) = (false, replicas);
    // Errors are those of a server that restarts: the watchers come back by themselves.
    let watched = watcher(applications, watcher::Config::default()).default_backoff().applied_objects();
    let states = watched.map_ok(|application| future::Either::Left(is_armed(&application))).boxed();
    let watched = watcher(deployments.clone(), watcher::Config::default()).default_backoff().applied_objects();
    let scales = watched.map_ok(|found| future::Either::Right(found.spec.and_then(|spec| spec.replicas))).boxed();
    let mut seen = futures::stream::select(states, scales);
    while let Some(event) = seen.next().await {
        match event {
            Ok(future::Either::Left(now)) => armed = now,
            Ok(future::Either::Right(now)) => live = now.unwrap_or(1),
            Err(_) => continue,
        }
        if armed && live != replicas {
            let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
            if deployments.patch_scale(SANDBOX, &PatchParams::default(), &patch).await.is_ok() {
                heals.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// As Argo CD reads it: on, and not switched off by the newer `enabled`.
fn is_armed(application: &DynamicObject) -> bool {
    let automated = &application.data["spec"]["syncPolicy"]["automated"];
    automated["selfHeal"] == true && automated["enabled"] != false
}
