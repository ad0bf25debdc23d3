//! `PodStatus` from what the node knows.

use serde_json::{Value, json};

use super::state::{Outcome, Slot, now};

/// The status of a Pod on the node; `old` is kept where it says the same.
pub(super) fn of(old: &Value, slots: &[Slot], outcome: Option<&Outcome>, again: &dyn Fn(i64) -> bool) -> Value {
    let phase = outcome.map_or_else(|| phase(slots, again), |outcome| outcome.phase);
    let mut status = old.clone();
    if !status.is_object() {
        status = json!({});
    }
    status["phase"] = phase.into();
    status["hostIP"] = "127.0.0.1".into();
    status["podIP"] = "127.0.0.1".into();
    status["podIPs"] = json!([{"ip": "127.0.0.1"}]);
    if !status["qosClass"].is_string() {
        status["qosClass"] = "BestEffort".into();
    }
    if !status["startTime"].is_string() {
        status["startTime"] = now().into();
    }
    let reports = |init: bool| -> Vec<Value> {
        let mine = slots.iter().filter(|slot| slot.init == init);
        mine.map(Slot::report).collect()
    };
    let inits = reports(true);
    if !inits.is_empty() {
        status["initContainerStatuses"] = inits.into();
    }
    status["containerStatuses"] = reports(false).into();
    if let Some(outcome) = outcome {
        status["reason"] = outcome.reason.clone().into();
        status["message"] = outcome.message.clone().into();
    }
    for (kind, state) in conditions(slots, phase) {
        set_condition(&mut status, kind, &state);
    }
    status
}

/// `again`: whether a container that ended with this code is started again.
fn phase(slots: &[Slot], again: &dyn Fn(i64) -> bool) -> &'static str {
    let ended = |slot: &&Slot| slot.exit_code().is_some_and(|code| !again(code));
    let well = |slot: &&Slot| slot.exit_code() == Some(0);
    let (inits, apps): (Vec<&Slot>, Vec<&Slot>) = slots.iter().partition(|slot| slot.init);
    if inits.iter().any(|slot| ended(slot) && !well(slot)) {
        return "Failed";
    }
    if apps.iter().all(ended) {
        return if apps.iter().all(well) { "Succeeded" } else { "Failed" };
    }
    let begun = |slot: &&Slot| slot.container.is_some() || slot.exit_code().is_some();
    if apps.iter().any(begun) { "Running" } else { "Pending" }
}

/// A condition's status, reason and message.
type Condition = (&'static str, &'static str, String);

fn conditions(slots: &[Slot], phase: &str) -> Vec<(&'static str, Condition)> {
    let names = |wanted: &dyn Fn(&Slot) -> bool| {
        let names = slots.iter().filter(|slot| wanted(slot));
        let names: Vec<&str> = names.map(|slot| slot.name.as_str()).collect();
        names.join(" ")
    };
    let unready = names(&|slot| !slot.init && !slot.ready);
    let uninitialized = names(&|slot| slot.init && slot.exit_code() != Some(0));
    let ready: Condition = if phase == "Succeeded" {
        ("False", "PodCompleted", String::new())
    } else if phase == "Failed" {
        ("False", "PodFailed", String::new())
    } else if unready.is_empty() {
        ("True", "", String::new())
    } else {
        let message = format!("containers with unready status: [{unready}]");
        ("False", "ContainersNotReady", message)
    };
    let initialized = if uninitialized.is_empty() {
        ("True", "", String::new())
    } else {
        let message = format!("containers with incomplete status: [{uninitialized}]");
        ("False", "ContainersNotInitialized", message)
    };
    vec![
        ("Initialized", initialized),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
        ("PodScheduled", ("True", "", String::new())),
    ]
}

/// Sets a condition; the time of its last transition moves only when its status does.
pub(super) fn set_condition(status: &mut Value, kind: &str, state: &Condition) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let (value, reason, message) = state;
    let Some(list) = status["conditions"].as_array_mut() else {
        return;
    };
    let old = list.iter().position(|one| one["type"] == kind);
    let mut new = json!({
        "type": kind, "status": value, "lastProbeTime": null, "lastTransitionTime": now(),
    });
    if !reason.is_empty() {
        new["reason"] = (*reason).into();
    }
    if !message.is_empty() {
        new["message"] = message.clone().into();
    }
    match old {
        None => list.push(new),
        Some(at) => {
            if list[at]["status"] == *value {
                new["lastTransitionTime"] = list[at]["lastTransitionTime"].clone();
            }
            list[at] = new;
        }
    }
}
