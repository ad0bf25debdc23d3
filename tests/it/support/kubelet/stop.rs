//! Ending a Pod: why it ends, how long it may take, and the way from TERM to a removed object.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::super::container::Container;
use super::super::store::DeleteOptions;
use super::pod::Pod;
use super::state::Outcome;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) grace: Duration,
    pub(crate) why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its object has a deletionTimestamp.
    Deleted,
    /// Its object is no longer there.
    Gone,
    /// The node ends it, and the object stays: `Failed` with this reason and message.
    Failed(&'static str, String),
    /// The node is no longer there: nobody reports anything any more.
    Lost,
}

impl Stop {
    pub(crate) fn now(why: Why) -> Self {
        Self::within(0, why)
    }

    pub(crate) fn within(seconds: u64, why: Why) -> Self {
        let grace = Duration::from_secs(seconds);
        Self { grace, why }
    }

    /// A lost node stays lost, a Pod that is gone is gone, and a grace is only ever shortened.
    pub(crate) fn overrides(&self, old: &Stop) -> bool {
        let rank = |why: &Why| match why {
            Why::Failed(..) => 0,
            Why::Deleted => 1,
            Why::Gone => 2,
            Why::Lost => 3,
        };
        let (new, before) = (rank(&self.why), rank(&old.why));
        new > before || (new == before && self.grace < old.grace)
    }
}

/// Ends what runs, and, if that is why, removes the object.
pub(super) async fn carry_out(pod: &Pod) {
    let Some(stop) = pod.wanted_stop() else {
        return;
    };
    pod.launched().await;
    match &stop.why {
        Why::Lost => {
            for container in pod.alive() {
                container.signal("KILL");
            }
            return;
        }
        Why::Failed(reason, message) => {
            let (reason, message) = (reason.to_string(), message.clone());
            pod.conclude(Outcome::failed(&reason, &message));
        }
        Why::Deleted | Why::Gone => {}
    }
    end_containers(pod).await;
    pod.publish();
}

/// The last act of a deletion; returns when there is no object left.
pub(super) async fn remove(pod: &Pod) {
    sleep(pod.node.config().removal_delay).await;
    let options = DeleteOptions { uid: Some(pod.uid.clone()), ..DeleteOptions::now() };
    // Gone already, or another Pod of that name: both are as wished.
    let _ = pod.node.store.delete("pods", &pod.ns, &pod.name, options);
}

async fn end_containers(pod: &Pod) {
    let begun = Instant::now();
    let alive = pod.alive();
    for container in &alive {
        pod.say("Normal", "Killing", "Stopping container");
        container.signal("TERM");
    }
    let mut changes = pod.stops();
    loop {
        let grace = pod.wanted_stop().map_or(Duration::ZERO, |stop| stop.grace);
        let deadline = begun + grace;
        tokio::select! {
            () = all_ended(&alive) => break,
            () = sleep_until(deadline) => {
                for container in &alive {
                    container.signal("KILL");
                }
                all_ended(&alive).await;
                break;
            }
            // A second delete has shortened the grace.
            changed = changes.changed() => if changed.is_err() { break },
        }
    }
    // The tasks that wait for the containers write their ends down; see that they have.
    let patience = Instant::now() + Duration::from_secs(5);
    let _ = timeout_at(patience, pod.all_written()).await;
    if !pod.node.config().unstarted_stay_waiting {
        pod.unstarted_never_run();
    }
}

async fn all_ended(containers: &[Container]) {
    for container in containers {
        container.ended().await;
    }
}

/// What a kubelet says of a container that was still waiting when the Pod ended.
pub(super) fn never_ran() -> serde_json::Value {
    json!({"terminated": {
        "exitCode": 137, "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": null, "finishedAt": null,
    }})
}
