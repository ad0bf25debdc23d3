//! What a test can do to the Pods of the node: keep them off it, and end them in its ways.

use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::json;

use super::super::api::runtime::Runtime;
use super::super::exec;

use super::Kubelet;
use super::pod::Pod;
use super::status;
use super::stop::{Stop, Why};

/// The scheduler finds no node for Pods of this name.
#[derive(Clone, Debug)]
pub(crate) struct Unschedulable {
    /// What the name begins with; empty is every Pod.
    pub(crate) prefix: String,
    pub(crate) message: String,
}

impl Unschedulable {
    pub(crate) fn of(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            message: "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are \
                      available: 1 No preemption victims found for incoming pod."
                .to_owned(),
        }
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }
}

impl Pod {
    pub(super) fn grace(&self) -> u64 {
        let grace = self.object["spec"]["terminationGracePeriodSeconds"].as_u64();
        grace.unwrap_or(30)
    }
}

impl Kubelet {
    /// The node is short of something: the Pod fails, and its object stays.
    pub(crate) fn evict(&self, ns: &str, name: &str) {
        let Some(pod) = self.0.pod(ns, name) else {
            return;
        };
        let message = "The node was low on resource: ephemeral-storage. Threshold quantity: \
                       1Gi, available: 512Mi. ";
        pod.say("Warning", "Evicted", message);
        pod.stop(Stop::now(Why::Failed("Evicted", message.to_owned())));
    }

    /// The kernel kills the container for its memory limit.
    pub(crate) fn oom_kill(&self, ns: &str, pod: &str, container: &str) {
        if let Some(container) = self.container(ns, pod, container) {
            container.kill_for("OOMKilled");
        }
    }

    /// The node goes dark under this Pod: its processes are gone, nobody reports their end, and
    /// nobody removes its object when it is deleted.
    pub(crate) fn lose(&self, ns: &str, name: &str) {
        let Some(pod) = self.0.pod(ns, name) else {
            return;
        };
        pod.stop(Stop::now(Why::Lost));
        let unknown = ("False", "NodeStatusUnknown", "Node status unknown".to_owned());
        let written = self.0.store.mutate("pods", ns, name, |pod| {
            pod["status"]["reason"] = json!("NodeLost");
            status::set_condition(&mut pod["status"], "Ready", &unknown);
        });
        // As good as lost.
        let _ = written;
    }
}

impl Kubelet {
    /// What the API calls for `log` and `exec`.
    pub(crate) fn runtime(&self) -> Runtime {
        let (logs, execs) = (self.clone(), self.clone());
        Runtime {
            log: Arc::new(move |asked| {
                let log = logs.log(&asked);
                async move { log }.boxed()
            }),
            exec: Arc::new(move |asked| {
                let head = exec::serve(&execs, asked);
                async move { head }.boxed()
            }),
        }
    }
}
