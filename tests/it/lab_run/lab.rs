//! A store, a node and an API server, and the waits that the smoke tests need.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, AttachParams, LogParams, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::support::api::{Api as Server, Settings};
use crate::support::kubelet::{Kubelet, Running, RuntimeConfig};
use crate::support::store::Store;

pub(super) const NS: &str = "erp-sandbox";

/// The order of the fields is the order in which they go.
pub(super) struct Lab {
    pub(super) pods: Api<Pod>,
    pub(super) client: Client,
    pub(super) store: Store,
    pub(super) node: Running,
    pub(super) server: Server,
    pub(super) dir: tempfile::TempDir,
}

impl Lab {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::new();
        let namespace = json!({"metadata": {"name": NS}, "status": {"phase": "Active"}});
        store.create("namespaces", namespace).expect("a namespace");
        let node = Kubelet::run(store.clone(), RuntimeConfig::new(dir.path()));
        let server = Server::start(store.clone(), node.runtime(), Settings::default());
        let server = server.await.expect("a server");
        let config = kube::Config::new(server.url().parse().expect("an address"));
        let client = Client::try_from(config).expect("a client");
        Self { pods: Api::namespaced(client.clone(), NS), client, store, node, server, dir }
    }

    pub(super) async fn run(&self, pod: Value) {
        let pod: Pod = serde_json::from_value(pod).expect("a Pod");
        let made = self.pods.create(&PostParams::default(), &pod).await;
        made.expect("the Pod is accepted");
    }

    pub(super) async fn until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool + Send + Sync) {
        let condition = |pod: Option<&Pod>| {
            let pod = serde_json::to_value(pod).expect("it came as JSON");
            holds(&pod)
        };
        let waited = await_condition(self.pods.clone(), name, condition);
        let waited = timeout(Duration::from_secs(10), waited).await;
        if waited.is_err() {
            let pod = self.store.get("pods", NS, name);
            panic!("{name} is never {what}: {pod:#?}");
        }
    }

    pub(super) async fn until_phase(&self, name: &str, phase: &str) {
        self.until(name, phase, |pod| pod["status"]["phase"] == phase).await;
    }

    pub(super) async fn until_ready(&self, name: &str) {
        let ready = |pod: &Value| pod["status"]["containerStatuses"][0]["ready"] == true;
        self.until(name, "ready", ready).await;
    }

    pub(super) async fn log(&self, name: &str, container: &str) -> String {
        let which = LogParams { container: Some(container.to_owned()), ..LogParams::default() };
        self.pods.logs(name, &which).await.expect("a log")
    }

    pub(super) async fn exec(&self, name: &str, words: &[&str]) -> (String, String, Option<i32>) {
        let params = AttachParams::default().stdin(false);
        let mut process = self.pods.exec(name, words.iter().copied(), &params).await.expect("exec");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut stdout = process.stdout().expect("asked for");
        let mut stderr = process.stderr().expect("asked for");
        let status = process.take_status().expect("once");
        // kube-rs never ends these streams when the connection broke within a frame.
        let patience = Duration::from_secs(2);
        let (_, _, status) = tokio::join!(
            timeout(patience, stdout.read_to_end(&mut out)),
            timeout(patience, stderr.read_to_end(&mut err)),
            status
        );
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let (out, err) = (text(out), text(err));
        let code = status.and_then(|status| {
            if status.status.as_deref() == Some("Success") {
                return Some(0);
            }
            let causes = status.details?.causes?;
            causes.first()?.message.as_ref()?.parse().ok()
        });
        (out, err, code)
    }
}

pub(super) fn pod(name: &str, image: &str, script: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": image, "command": ["/bin/sh", "-c", script]}],
        },
    })
}

pub(super) fn app(name: &str, image: &str) -> Value {
    let mut pod = pod(name, image, "");
    let container = &mut pod["spec"]["containers"][0];
    let fields = container.as_object_mut().expect("an object");
    fields.shift_remove("command");
    pod
}
