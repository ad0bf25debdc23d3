//! Deployment → ReplicaSets.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::Store;
use super::objects::{
    age, condition, is_deleting, name, namespace, owned, owner_reference, set_condition, set_count, set_replicas,
    write_status,
};
use super::{Next, sooner};

const HASH: &str = "pod-template-hash";

pub(super) fn reconcile(store: &Store) -> Next {
    let mut next = None;
    for deployment in store.list("deployments", None).iter().filter(|one| !is_deleting(one)) {
        next = sooner(next, one(store, deployment));
    }
    next
}

fn one(store: &Store, deployment: &Value) -> Next {
    let hash = hash(&deployment["spec"]["template"]);
    let sets = owned(store, "replicasets", deployment);
    let (new, old): (Vec<Value>, Vec<Value>) =
        sets.into_iter().partition(|set| set["metadata"]["labels"][HASH] == *hash);
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let Some(new) = new.first() else {
        if deployment["spec"]["paused"] != true {
            // A clash of names resolves itself when the garbage collector has passed.
            let _ = store.create("replicasets", set_of(deployment, &hash, old.len() + 1));
        }
        return Some(Duration::from_millis(200));
    };
    roll(store, deployment, new, &old, wanted);
    tell(store, deployment, new, &old, wanted)
}

/// The new set up and the old ones down, in the order of the strategy.
fn roll(store: &Store, deployment: &Value, new: &Value, old: &[Value], wanted: u64) {
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        old.iter().for_each(|set| set_replicas(store, "replicasets", set, 0));
        if old.iter().all(|set| owned(store, "pods", set).is_empty()) {
            set_replicas(store, "replicasets", new, wanted);
        }
        return;
    }
    set_replicas(store, "replicasets", new, wanted);
    if count(new, "availableReplicas") >= wanted {
        old.iter().for_each(|set| set_replicas(store, "replicasets", set, 0));
    }
}

fn count(object: &Value, field: &str) -> u64 {
    object["status"][field].as_u64().unwrap_or_default()
}

fn set_of(deployment: &Value, hash: &str, revision: usize) -> Value {
    let spec = &deployment["spec"];
    let mut template = spec["template"].clone();
    template["metadata"]["labels"][HASH] = hash.into();
    let mut selector = spec["selector"].clone();
    selector["matchLabels"][HASH] = hash.into();
    json!({
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": template["metadata"]["labels"],
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
            "ownerReferences": [owner_reference("deployments", deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    })
}

/// FNV-1a over the template, in the alphabet of Kubernetes' generated names.
fn hash(template: &Value) -> String {
    let text = template.to_string();
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut rest = text.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash = String::new();
    for _ in 0..9 {
        let digit = usize::try_from(rest % 27).unwrap_or_default();
        hash.push(char::from(alphabet[digit]));
        rest /= 27;
    }
    hash
}

fn tell(store: &Store, deployment: &Value, new: &Value, old: &[Value], wanted: u64) -> Next {
    let sum = |field: &str| -> u64 { old.iter().chain([new]).map(|set| count(set, field)).sum() };
    let asked = |set: &Value| set["spec"]["replicas"].as_u64().unwrap_or_default();
    let total: u64 = old.iter().chain([new]).map(asked).sum();
    let available = sum("availableReplicas");
    let mut status = deployment["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    status["observedGeneration"] = deployment["metadata"]["generation"].clone();
    for (field, number) in [
        ("replicas", sum("replicas")),
        ("updatedReplicas", count(new, "replicas")),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", total.saturating_sub(available)),
    ] {
        set_count(&mut status, field, usize::try_from(number).unwrap_or(usize::MAX));
    }
    failure(new, &mut status);
    let next = progress(deployment, new, &mut status, wanted);
    availability(deployment, &mut status, available, wanted);
    write_status(store, "deployments", deployment, status);
    next
}

/// That the new set may not have its Pods.
fn failure(new: &Value, status: &mut Value) {
    const KIND: &str = "ReplicaFailure";
    match condition(new, KIND) {
        Some(failure) => {
            let text = |field: &str| failure[field].as_str().unwrap_or_default();
            set_condition(status, KIND, (true, text("reason"), text("message")));
        }
        None => {
            if let Some(conditions) = status["conditions"].as_array_mut() {
                conditions.retain(|one| one["type"] != KIND);
            }
        }
    }
}

fn availability(deployment: &Value, status: &mut Value, available: u64, wanted: u64) {
    let rolling = deployment["spec"]["strategy"]["type"] == "RollingUpdate";
    let tolerated = if rolling { wanted / 4 } else { 0 };
    let said = if available >= wanted - tolerated {
        (true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        (false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(status, "Available", said);
}

/// The condition Progressing. Once a rollout is through, scaling does not touch it any more.
fn progress(deployment: &Value, new: &Value, status: &mut Value, wanted: u64) -> Next {
    const DONE: &str = "NewReplicaSetAvailable";
    let field = |field: &str| status[field].as_u64().unwrap_or_default();
    let (replicas, updated) = (field("replicas"), field("updatedReplicas"));
    let complete = updated == wanted && replicas == wanted && field("availableReplicas") == wanted;
    let current = condition(deployment, "Progressing");
    if current.is_some_and(|one| one["reason"] == DONE) && replicas == updated {
        return None;
    }
    let set = name(new);
    if complete {
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        set_condition(status, "Progressing", (true, DONE, &message));
        return None;
    }
    let limit = deployment["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
    let limit = Duration::from_secs(limit);
    let since = current.and_then(|one| age(&one["lastUpdateTime"])).unwrap_or_default();
    if current.is_some() && since >= limit {
        let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
        set_condition(status, "Progressing", (false, "ProgressDeadlineExceeded", &message));
        return None;
    }
    let message = format!("ReplicaSet \"{set}\" is progressing.");
    set_condition(status, "Progressing", (true, "ReplicaSetUpdated", &message));
    Some((limit - since).max(Duration::from_millis(100)))
}
