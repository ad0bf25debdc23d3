//! The life of one Pod: scheduled, its init containers one after the other, its containers together.
//!
//! Every wait gives way to an order to stop (`unless_stopped`), and the start of a container never
//! does: so at the end all that was started is known.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;

use super::super::container::Container;
use super::super::store::Change;
use super::pod::Pod;
use super::stop::{self, Stop, Why};
use super::{NODE, status, volumes};

impl Pod {
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

    /// Until there is a node for it.
    async fn schedule(&self) -> Option<()> {
        let mut config = self.node.config.subscribe();
        let mut changes = self.node.store.subscribe();
        loop {
            let obstacle = {
                let config = config.borrow_and_update();
                let mine = config.unschedulable.iter().find(|one| one.holds(&self.name));
                mine.map(|one| one.message.clone()).or_else(|| volumes::unbound(self))
            };
            let Some(message) = obstacle else { break };
            self.say("Warning", "FailedScheduling", &message);
            self.report_unscheduled(&message);
            let changed = async {
                tokio::select! {
                    changed = config.changed() => changed.is_ok(),
                    () = claims_changed(&mut changes) => true,
                }
            };
            self.unless_stopped(changed).await?.then_some(())?;
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

    /// Its containers have ended for good.
    fn is_over(&self) -> bool {
        let slots = self.slots();
        let ended = |code: i64| !self.restarts(code);
        let mut apps = slots.iter().filter(|slot| !slot.init);
        let failed_init =
            slots.iter().any(|slot| slot.init && slot.exit_code().is_some_and(|code| code != 0 && ended(code)));
        failed_init || apps.all(|slot| slot.exit_code().is_some_and(ended))
    }
}

/// Until a claim has changed, or may have.
async fn claims_changed(changes: &mut Receiver<Change>) {
    while changes.recv().await.is_ok_and(|change| change.resource != "persistentvolumeclaims") {}
}

/// A Pod's task, to the end of its object.
pub(super) async fn run(pod: Arc<Pod>) {
    let deadline = tokio::spawn(expire(pod.clone()));
    let life = tokio::spawn({
        let pod = pod.clone();
        async move { pod.live().await }
    });
    let mut stops = pod.stops();
    loop {
        // The first order is carried out at once, a later one (a deletion after an eviction) then.
        let Ok(stop) = stops.wait_for(Option::is_some).await.map(|stop| stop.clone()) else {
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
    deadline.abort();
    life.abort();
    pod.node.forget(&pod);
}

/// `activeDeadlineSeconds`, if it has one.
async fn expire(pod: Arc<Pod>) {
    let Some(limit) = pod.object["spec"]["activeDeadlineSeconds"].as_u64() else {
        return;
    };
    let sleep = tokio::time::sleep(Duration::from_secs(limit));
    if pod.unless_stopped(sleep).await.is_some() && !pod.is_over() {
        let message = "Pod was active on the node longer than the specified deadline";
        let why = Why::Failed("DeadlineExceeded", message.to_owned());
        pod.stop(Stop::within(pod.grace(), why));
    }
}
