//! A Pod as the node knows it: its containers' slots, its reports, and the order to stop it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::super::container::Container;
use super::Node;
use super::state::{Outcome, Slot};
use super::status;
use super::stop::{self, Stop, Why};

pub(crate) struct Pod {
    pub(super) node: Arc<Node>,
    pub(crate) ns: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// As it was when the node first saw it.
    pub(super) object: Value,
    stop: watch::Sender<Option<Stop>>,
    slots: Mutex<Vec<Slot>>,
    /// Counts the changes of the slots.
    moved: watch::Sender<u64>,
    outcome: Mutex<Option<Outcome>>,
    /// How many containers are between the decision to start them and their slot.
    launching: watch::Sender<usize>,
}

impl Pod {
    pub(super) fn new(node: Arc<Node>, object: Value) -> Self {
        let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        let spec = &object["spec"];
        let inits = spec["initContainers"].as_array();
        let first = if inits.is_some_and(|inits| !inits.is_empty()) { "PodInitializing" } else { "ContainerCreating" };
        let inits = inits.into_iter().flatten();
        let apps = spec["containers"].as_array().into_iter().flatten();
        let slots = inits
            .map(|spec| Slot::new(spec, true, "PodInitializing"))
            .chain(apps.map(|spec| Slot::new(spec, false, first)));
        Self {
            ns: field("namespace").to_owned(),
            name: field("name").to_owned(),
            uid: field("uid").to_owned(),
            slots: Mutex::new(slots.collect()),
            moved: watch::Sender::new(0),
            stop: watch::Sender::new(None),
            outcome: Mutex::default(),
            launching: watch::Sender::new(0),
            node,
            object,
        }
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slot(&self, name: &str) -> Option<Slot> {
        self.slots().iter().find(|slot| slot.name == name).cloned()
    }

    /// Changes one container's slot, and reports.
    pub(super) fn change(&self, at: usize, change: impl FnOnce(&mut Slot)) {
        change(&mut self.slots()[at]);
        self.moved.send_modify(|count| *count += 1);
        self.publish();
    }

    /// Writes the status of the Pod to the store.
    pub(super) fn publish(&self) {
        let lost = self.wanted_stop().is_some_and(|stop| stop.why == Why::Lost);
        if lost || self.node.processes.is_closed() {
            return;
        }
        let (slots, outcome) = (self.slots().clone(), self.outcome());
        let written = self.node.store.mutate("pods", &self.ns, &self.name, |pod| {
            if pod["metadata"]["uid"] == *self.uid {
                let again = |code| self.restarts(code);
                pod["status"] = status::of(&pod["status"], &slots, outcome.as_ref(), &again);
            }
        });
        // Deleted by force: there is nothing to report on.
        let _ = written;
    }

    fn outcome(&self) -> Option<Outcome> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone()
    }

    pub(super) fn conclude(&self, outcome: Outcome) {
        let mut known = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert(outcome);
    }

    /// Whether a container that ended with `code` is started again.
    pub(super) fn restarts(&self, code: i64) -> bool {
        match self.object["spec"]["restartPolicy"].as_str() {
            _ if self.wanted_stop().is_some() => false,
            Some("Never") => false,
            Some("OnFailure") => code != 0,
            _ => true,
        }
    }

    pub(super) fn stop(&self, stop: Stop) {
        self.stop.send_if_modified(|wanted| {
            let newer = wanted.as_ref().is_none_or(|old| stop.overrides(old));
            if newer {
                *wanted = Some(stop);
            }
            newer
        });
    }

    pub(super) fn wanted_stop(&self) -> Option<Stop> {
        self.stop.borrow().clone()
    }

    pub(super) fn stops(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    /// `None` when the Pod was told to stop first.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stops = self.stops();
        tokio::select! {
            biased;
            _ = stops.wait_for(Option::is_some) => None,
            done = work => Some(done),
        }
    }

    /// Starts a container, unless the Pod is to stop: then the order can count on finding every
    /// container that was started, once it has waited for `launched`.
    pub(super) async fn launch_once<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // Counted before the order is looked for, so that one of the two sees the other.
        self.launching.send_modify(|count| *count += 1);
        let done = if self.wanted_stop().is_none() { Some(work.await) } else { None };
        self.launching.send_modify(|count| *count -= 1);
        done
    }

    /// Until no container is on its way.
    pub(super) async fn launched(&self) {
        let mut launching = self.launching.subscribe();
        // The sender is ours.
        let _ = launching.wait_for(|count| *count == 0).await;
    }

    pub(super) fn alive(&self) -> Vec<Container> {
        let slots = self.slots();
        let containers = slots.iter().filter_map(|slot| slot.container.clone());
        containers.filter(|container| container.exit().is_none()).collect()
    }

    /// Until no slot says "running" of a container that has ended.
    pub(super) async fn all_written(&self) {
        let mut moved = self.moved.subscribe();
        while self.slots().iter().any(Slot::is_running) {
            if moved.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn unstarted_never_run(&self) {
        for slot in self.slots().iter_mut() {
            if slot.waiting_reason().is_some() && !slot.init {
                slot.state = stop::never_ran();
            }
        }
    }

    /// The container's part of the spec; init containers come first.
    pub(super) fn container_spec(&self, at: usize) -> &Value {
        let spec = &self.object["spec"];
        let inits = spec["initContainers"].as_array().map_or(0, Vec::len);
        if at < inits { &spec["initContainers"][at] } else { &spec["containers"][at - inits] }
    }
}
