//! The lab's API and controllers behave as a cluster does, seen through kube-rs itself.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{
    Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchEvent,
    WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, Config, Error};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::api::{self, Fault, Gate, Right, Rule, Runtime, Settings};
use crate::support::controllers::Controllers;
use crate::support::store::{DeleteOptions, Store};

const LONG: Duration = Duration::from_secs(10);
const NS: &str = "erp-sandbox";

/// A cluster with a node that runs whatever it is given: Pods are Ready at once, Job Pods as told.
struct World {
    store: Store,
    api: api::Api,
    controllers: Controllers,
    _tasks: JoinSet<()>,
}

impl World {
    async fn new() -> Self {
        let store = Store::new();
        for ns in [NS, "argocd"] {
            store
                .create("namespaces", json!({"metadata": {"name": ns}}))
                .expect("a namespace");
        }
        let api = api::Api::start(store.clone(), Runtime::absent(), Settings::default())
            .await
            .expect("a loopback port");
        let controllers = Controllers::run(&store);
        let mut tasks = JoinSet::new();
        tasks.spawn(node(store.clone()));
        Self {
            store,
            api,
            controllers,
            _tasks: tasks,
        }
    }

    /// Through a kubeconfig, as the tool comes by its own.
    async fn client(&self) -> Client {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("kubeconfig");
        self.api.write_kubeconfig(&path, NS).expect("a kubeconfig");
        let file = Kubeconfig::read_from(&path).expect("it is readable");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(file, &options).await;
        Client::try_from(config.expect("a whole kubeconfig")).expect("a client")
    }

    async fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client().await, NS)
    }

    async fn applications(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
        let kind = ApiResource::from_gvk(&kind);
        Api::namespaced_with(self.client().await, "argocd", &kind)
    }

    /// Until the store says so.
    async fn until(&self, what: &str, holds: impl Fn(&Store) -> bool) {
        let mut changes = self.store.subscribe();
        let wait = async {
            while !holds(&self.store) {
                // Lagging is a change like any other.
                let _ = changes.recv().await;
            }
        };
        timeout(LONG, wait)
            .await
            .unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }

    fn deployment(&self, replicas: u32) {
        let manifest = deployment(replicas);
        self.store
            .create("deployments", manifest)
            .expect("a new Deployment");
    }

    async fn deployment_ready(&self, replicas: u64) {
        self.until("the Deployment is available", |store| {
            let live = store
                .get("deployments", NS, "erp-sandbox")
                .expect("it is there");
            live["status"]["availableReplicas"].as_u64().unwrap_or(0) == replicas
                && live["status"]["observedGeneration"] == live["metadata"]["generation"]
        })
        .await;
    }
}

/// The kubelet of these tests: no process, only the Pod's status.
async fn node(store: Store) {
    let mut changes = store.subscribe();
    loop {
        for pod in store.list("pods", None) {
            let text = |field: &str| {
                pod["metadata"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (ns, name) = (text("namespace"), text("name"));
            if !text("deletionTimestamp").is_empty() {
                let _ = store.delete("pods", &ns, &name, DeleteOptions::now());
                continue;
            }
            let phase = match pod["spec"]["containers"][0]["command"][0].as_str() {
                Some("true") => "Succeeded",
                Some("false") => "Failed",
                _ => "Running",
            };
            let ready = if phase == "Running" { "True" } else { "False" };
            let _ = store.mutate("pods", &ns, &name, |pod| {
                pod["spec"]["nodeName"] = "lab".into();
                pod["status"]["phase"] = phase.into();
                pod["status"]["conditions"] = json!([{"type": "Ready", "status": ready}]);
            });
        }
        let _ = changes.recv().await;
    }
}

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "erp-sandbox", "namespace": NS},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "erp"}},
            "template": {
                "metadata": {"labels": {"app": "erp"}},
                "spec": {"containers": [{"name": "app", "image": "erp:1"}]},
            },
        },
    })
}

fn job(name: &str, command: &str) -> Job {
    let job = json!({
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "one", "image": "postgres:17", "command": [command]}],
        }}},
    });
    serde_json::from_value(job).expect("a Job")
}

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).expect("one")
}

fn refusal(error: Error) -> (u16, String, String) {
    match error {
        Error::Api(status) => (status.code, status.reason, status.message),
        other => panic!("not a Status: {other}"),
    }
}

mod argo;
mod controllers;
mod faults;
mod refusals;
mod verbs;
mod watches;
