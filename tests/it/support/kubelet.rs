//! The lab's only node: it schedules the Pods of the store and runs them as real processes.
//!
//! One task looks at the store's changes; each Pod has a task of its own (`pod`). What a test may
//! want to go wrong is a setting, to be changed at any time, or a function: `evict`, `oom_kill`, `lose`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod environment;
mod events;
mod life;
mod logs;
mod orders;
mod pod;
mod start;
mod state;
mod status;
mod stop;
mod volumes;

use super::container::Container;
use super::container::image::Images;
use super::container::process::{Processes, Started};
use super::exec::faults::ExecFaults;
use super::store::{Change, ChangeKind, Store};
use pod::Pod;
use stop::{Stop, Why};

pub(crate) use orders::Unschedulable;

pub(crate) const NODE: &str = "lab-node";

/// How the node behaves; every field can be changed while it runs.
#[derive(Clone)]
pub(crate) struct RuntimeConfig {
    /// A directory of this lab's own, for volumes and images.
    pub(crate) root: PathBuf,
    pub(crate) images: Images,
    /// From running to ready.
    pub(crate) ready_delay: Duration,
    /// From the end of the last container until the Pod's object is gone; 5 to 12 s on real nodes.
    pub(crate) removal_delay: Duration,
    /// Containers that never started are reported as waiting for as long as the deleted Pod's object is there, as nodes of
    /// Kubernetes 1.20 do; newer ones say that they have ended.
    pub(crate) unstarted_stay_waiting: bool,
    /// Between two pulls of an image that is not there, and two starts of a container that ends.
    pub(crate) backoff: Duration,
    pub(crate) unschedulable: Vec<Unschedulable>,
    /// Claims whose volume another node has: they are for one node at a time.
    pub(crate) attached_elsewhere: Vec<String>,
    /// Claims with no more room than so many MiB. What is in them lasts as long as the container that has them.
    pub(crate) small_claims: Vec<(String, u64)>,
    /// Whether mounted Secrets stay as they are, whatever becomes of their objects; see `sync_secrets`.
    pub(crate) holds_secrets: bool,
    /// The WebSocket subprotocols that exec knows.
    pub(crate) exec_protocols: Vec<&'static str>,
    /// Whether exec knows SPDY, as Kubernetes does; not every proxy before it lets it through.
    pub(crate) exec_spdy: bool,
}

impl RuntimeConfig {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            images: Images::default(),
            ready_delay: Duration::ZERO,
            removal_delay: Duration::from_millis(50),
            unstarted_stay_waiting: false,
            backoff: Duration::from_millis(200),
            unschedulable: Vec::new(),
            attached_elsewhere: Vec::new(),
            small_claims: Vec::new(),
            holds_secrets: false,
            exec_protocols: vec!["v5.channel.k8s.io", "v4.channel.k8s.io"],
            exec_spdy: true,
        }
    }
}

/// The node; clones are the same one.
#[derive(Clone)]
pub(crate) struct Kubelet(Arc<Node>);

/// The node as long as it is on: dropping this kills all that runs there.
pub(crate) struct Running {
    kubelet: Kubelet,
    work: JoinHandle<()>,
}

struct Node {
    store: Store,
    config: watch::Sender<RuntimeConfig>,
    processes: Processes,
    pods: Mutex<HashMap<Key, Arc<Pod>>>,
    exec_faults: ExecFaults,
}

type Key = (String, String);

impl std::ops::Deref for Running {
    type Target = Kubelet;

    fn deref(&self) -> &Kubelet {
        &self.kubelet
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.work.abort();
        self.kubelet.0.processes.end();
    }
}

impl Kubelet {
    /// Switches the node on, as tasks of the current runtime.
    pub(crate) fn run(store: Store, config: RuntimeConfig) -> Running {
        let kubelet = Self(Arc::new(Node {
            store,
            config: watch::Sender::new(config),
            processes: Processes::default(),
            pods: Mutex::default(),
            exec_faults: ExecFaults::default(),
        }));
        // Subscribed here, so that no change between now and the task's first poll is missed.
        let changes = kubelet.0.store.subscribe();
        let work = tokio::spawn(watch_pods(kubelet.0.clone(), changes));
        Running { kubelet, work }
    }

    /// Changes how the node behaves from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut RuntimeConfig)) {
        self.0.config.send_modify(change);
    }

    pub(crate) fn config(&self) -> RuntimeConfig {
        self.0.config()
    }

    /// Brings the Secrets that were held back to where they are mounted; from now on they follow their objects again.
    pub(crate) fn sync_secrets(&self) {
        self.set(|config| config.holds_secrets = false);
        for secret in self.0.store.list("secrets", None) {
            self.0.remount(&secret);
        }
    }

    pub(crate) fn exec_faults(&self) -> &ExecFaults {
        &self.0.exec_faults
    }

    /// Every process that was started, with its argv and environment.
    pub(crate) fn started(&self) -> Vec<Started> {
        self.0.processes.started()
    }

    /// The host's directory of a persistent volume claim, made when it is not there.
    pub(crate) fn claim(&self, ns: &str, name: &str) -> PathBuf {
        volumes::claim(&self.0.config().root, ns, name).expect("a directory of the lab's own")
    }

    /// A container as it runs now, or ran last.
    pub(crate) fn container(&self, ns: &str, pod: &str, name: &str) -> Option<Container> {
        self.0.pod(ns, pod)?.slot(name)?.container
    }
}

impl Node {
    fn config(&self) -> RuntimeConfig {
        self.config.borrow().clone()
    }

    fn pods(&self) -> MutexGuard<'_, HashMap<Key, Arc<Pod>>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pod(&self, ns: &str, name: &str) -> Option<Arc<Pod>> {
        self.pods().get(&(ns.to_owned(), name.to_owned())).cloned()
    }

    /// A Pod as it is in the store now: begun if it is new, told to stop if it shall.
    fn admit(self: &Arc<Self>, object: &Value) {
        let pod = Pod::new(self.clone(), object.clone());
        let key = (pod.ns.clone(), pod.name.clone());
        let mut pods = self.pods();
        let known = pods.get(&key).filter(|known| known.uid == pod.uid).cloned();
        let is_new = known.is_none();
        let pod = known.unwrap_or_else(|| Arc::new(pod));
        if is_new {
            if let Some(replaced) = pods.insert(key, pod.clone()) {
                replaced.stop(Stop::now(Why::Gone));
            }
            tokio::spawn(life::run(pod.clone()));
        }
        drop(pods);
        if object["metadata"]["deletionTimestamp"].is_string() {
            let grace = object["metadata"]["deletionGracePeriodSeconds"].as_u64();
            pod.stop(Stop::within(grace.unwrap_or(30), Why::Deleted));
        }
    }

    fn dismiss(&self, object: &Value) {
        let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        let pod = self.pod(field("namespace"), field("name"));
        if let Some(pod) = pod.filter(|pod| pod.uid == field("uid")) {
            pod.stop(Stop::now(Why::Gone));
        }
    }

    /// Mounted Secrets follow their object at once, unless they are held back; in life it takes a minute or so.
    fn remount(&self, secret: &Value) {
        if self.config().holds_secrets {
            return;
        }
        let pods: Vec<Arc<Pod>> = self.pods().values().cloned().collect();
        for pod in pods.iter().filter(|pod| secret["metadata"]["namespace"] == *pod.ns) {
            volumes::refresh(pod, secret);
        }
    }

    /// A Pod whose task has nothing left to do.
    fn forget(&self, pod: &Pod) {
        let key = (pod.ns.clone(), pod.name.clone());
        let mut pods = self.pods();
        if pods.get(&key).is_some_and(|known| known.uid == pod.uid) {
            pods.remove(&key);
        }
    }
}

async fn watch_pods(node: Arc<Node>, mut changes: tokio::sync::broadcast::Receiver<Change>) {
    let list = |node: &Arc<Node>| {
        for pod in node.store.list("pods", None) {
            node.admit(&pod);
        }
    };
    list(&node);
    loop {
        match changes.recv().await {
            Ok(change) if change.resource == "secrets" => node.remount(&change.object),
            Ok(change) if change.resource != "pods" => {}
            Ok(change) if change.kind == ChangeKind::Deleted => node.dismiss(&change.object),
            Ok(change) => node.admit(&change.object),
            Err(RecvError::Lagged(_)) => list(&node),
            Err(RecvError::Closed) => return,
        }
    }
}
