//! The life of one Pod: scheduled, its init containers one after the other, its containers together.
//!
//! Every wait gives way to an order to stop (`unless_stopped`), and the start of a container never
//! does: so at the end all that was started is known.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::super::container::Container;
use super::Node;
use super::state::{Outcome, Slot};
use super::stop::{self, Stop, Why};
use super::{NODE, status};

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
}

impl Pod {
    pub(super) fn new(node: Arc<Node>, object: Value) -> Self {
        let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
        let spec = &object["spec"];
        let inits = spec["initContainers"].as_array();
        let first = if inits.is_some_and(|inits| !inits.is_empty()) {
            "PodInitializing"
        } else {
            "ContainerCreating"
        };
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
    fn restarts(&self, code: i64) -> bool {
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

    pub(super) fn alive(&self) -> Vec<Container> {
        let slots = self.slots();
        let containers = slots.iter().filter_map(|slot| slot.container.clone());
        containers
            .filter(|container| container.exit().is_none())
            .collect()
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

    /// All the containers' lives; `None` when it was told to stop before their end.
    async fn live(&self) -> Option<()> {
        self.schedule().await?;
        self.publish();
        let (inits, all) = {
            let slots = self.slots();
            (slots.iter().filter(|slot| slot.init).count(), slots.len())
        };
        for init in 0..inits {
            if self.keep(init).await? != 0 {
                return Some(());
            }
        }
        let apps = (inits..all).map(|app| self.keep(app));
        let ends = futures::future::join_all(apps).await;
        ends.into_iter().all(|end| end.is_some()).then_some(())
    }

    /// Runs a container, again and again if that is the policy; its last exit code.
    async fn keep(&self, at: usize) -> Option<i64> {
        let mut pause = Duration::ZERO;
        loop {
            let code = match self.start(at).await? {
                Some(container) => self.see_through(at, &container).await,
                None => self.slots()[at].exit_code().unwrap_or(128),
            };
            if self.wanted_stop().is_some() {
                return None;
            }
            let is_init = self.slots()[at].init;
            if !self.restarts(code) || (is_init && code == 0) {
                return Some(code);
            }
            if !pause.is_zero() {
                self.back_off(at);
            }
            self.unless_stopped(tokio::time::sleep(pause)).await?;
            pause = self.node.config().backoff;
        }
    }

    fn back_off(&self, at: usize) {
        let name = self.slots()[at].name.clone();
        let (pod, ns, uid) = (&self.name, &self.ns, &self.uid);
        let failing = format!("restarting failed container={name} pod={pod}_{ns}({uid})");
        let message = format!("back-off 10s {failing}");
        self.say("Warning", "BackOff", &format!("Back-off {failing}"));
        self.change(at, |slot| slot.wait("CrashLoopBackOff", &message));
    }

    /// To the end of the container, also while the Pod is being stopped: this writes it down.
    async fn see_through(&self, at: usize, container: &Container) -> i64 {
        let delay = self.node.config().ready_delay;
        tokio::select! {
            biased;
            _ = container.ended() => {}
            () = tokio::time::sleep(delay) => {
                if self.wanted_stop().is_none() {
                    self.change(at, |slot| slot.ready = true);
                }
            }
        }
        let exit = container.ended().await;
        let message = self.termination_message(at, container, exit.code);
        self.change(at, |slot| slot.end(exit, message));
        i64::from(exit.code)
    }

    fn termination_message(&self, at: usize, container: &Container, code: i32) -> Option<String> {
        let policy = self.container_spec(at)["terminationMessagePolicy"].clone();
        (policy == "FallbackToLogsOnError" && code != 0).then(|| container.log().tail())
    }

    /// The container's part of the spec; init containers come first.
    pub(super) fn container_spec(&self, at: usize) -> &Value {
        let spec = &self.object["spec"];
        let inits = spec["initContainers"].as_array().map_or(0, Vec::len);
        if at < inits {
            &spec["initContainers"][at]
        } else {
            &spec["containers"][at - inits]
        }
    }

    /// Until there is a node for it.
    async fn schedule(&self) -> Option<()> {
        let mut config = self.node.config.subscribe();
        loop {
            let obstacle = {
                let config = config.borrow_and_update();
                let mine = config
                    .unschedulable
                    .iter()
                    .find(|one| one.holds(&self.name));
                mine.map(|one| one.message.clone())
            };
            let Some(message) = obstacle else { break };
            self.say("Warning", "FailedScheduling", &message);
            self.report_unscheduled(&message);
            self.unless_stopped(config.changed()).await?.ok()?;
        }
        let bound = self.node.store.mutate("pods", &self.ns, &self.name, |pod| {
            pod["spec"]["nodeName"] = NODE.into();
        });
        bound.ok()?;
        let (ns, name) = (&self.ns, &self.name);
        let message = format!("Successfully assigned {ns}/{name} to {NODE}");
        self.say("Normal", "Scheduled", &message);
        Some(())
    }

    fn report_unscheduled(&self, message: &str) {
        let state = ("False", "Unschedulable", message.to_owned());
        let written = self.node.store.mutate("pods", &self.ns, &self.name, |pod| {
            pod["status"]["phase"] = "Pending".into();
            status::set_condition(&mut pod["status"], "PodScheduled", &state);
        });
        // Deleted meanwhile: then the order to stop is on its way.
        let _ = written;
    }
}

/// A Pod's task, to the end of its object.
pub(super) async fn run(pod: Arc<Pod>) {
    let life = tokio::spawn({
        let pod = pod.clone();
        async move {
            let limit = pod.object["spec"]["activeDeadlineSeconds"].as_u64();
            let limit = limit.map_or(Duration::MAX, Duration::from_secs);
            if tokio::time::timeout(limit, pod.unless_stopped(std::future::pending::<()>()))
                .await
                .is_err()
            {
                let message = "Pod was active on the node longer than the specified deadline";
                let why = Why::Failed("DeadlineExceeded", message.to_owned());
                pod.stop(Stop::within(pod.grace(), why));
            }
        }
    });
    let lived = tokio::spawn({
        let pod = pod.clone();
        async move { pod.live().await }
    });
    let mut stops = pod.stops();
    loop {
        // The first order is carried out at once, a later one (a deletion after an eviction) then.
        let Ok(stop) = stops
            .wait_for(Option::is_some)
            .await
            .map(|stop| stop.clone())
        else {
            return;
        };
        stop::carry_out(&pod).await;
        match stop.map(|stop| stop.why) {
            Some(Why::Deleted) => {
                stop::remove(&pod).await;
                break;
            }
            Some(Why::Gone) => break,
            _ => {}
        }
        if stops.changed().await.is_err() {
            break;
        }
    }
    life.abort();
    lived.abort();
    pod.node.forget(&pod);
}
