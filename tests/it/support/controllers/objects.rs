//! What the controllers ask of objects: names, owners, readiness, conditions.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::rules::now;
use super::super::store::{DeleteOptions, Store, kinds};

/// Whom managedFields names for the built-in controllers.
pub(super) const WRITER: &str = "kube-controller-manager";

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

pub(super) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

pub(super) fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

pub(super) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

pub(super) fn phase(pod: &Value) -> &str {
    pod["status"]["phase"].as_str().unwrap_or_default()
}

/// As the controllers count: neither ended nor on its way out.
pub(super) fn is_active(pod: &Value) -> bool {
    !matches!(phase(pod), "Succeeded" | "Failed") && !is_deleting(pod)
}

pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == kind)
}

pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// The objects that one controls, in order of name.
pub(super) fn owned(store: &Store, resource: &str, owner: &Value) -> Vec<Value> {
    let mut all = store.list(resource, Some(namespace(owner)));
    all.retain(|object| {
        let references = object["metadata"]["ownerReferences"].as_array();
        references.into_iter().flatten().any(|one| one["uid"] == owner["metadata"]["uid"])
    });
    all
}

pub(super) fn owner_reference(resource: &str, owner: &Value) -> Value {
    let (version, kind) = kinds::find(resource).map_or((String::new(), ""), |kind| (kind.api_version(), kind.kind));
    json!({
        "apiVersion": version, "kind": kind, "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// A Pod from a template, owned by `owner`.
pub(super) fn pod_of(resource: &str, owner: &Value, pod_name: &str) -> Value {
    let template = &owner["spec"]["template"];
    let mut metadata = template["metadata"].clone();
    if !metadata.is_object() {
        metadata = json!({});
    }
    metadata["name"] = pod_name.into();
    metadata["generateName"] = format!("{}-", name(owner)).into();
    metadata["namespace"] = namespace(owner).into();
    metadata["ownerReferences"] = json!([owner_reference(resource, owner)]);
    json!({"metadata": metadata, "spec": template["spec"]})
}

pub(super) fn delete(store: &Store, resource: &str, object: &Value) {
    let options = DeleteOptions { uid: Some(uid(object).to_owned()), ..DeleteOptions::default() };
    // One that is gone in the meantime is as wanted.
    let _ = store.delete(resource, namespace(object), name(object), options);
}

/// Sets a condition; its times move only when it says something new.
pub(super) fn set_condition(status: &mut Value, kind: &str, (is, reason, message): (bool, &str, &str)) {
    let is = if is { "True" } else { "False" };
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else {
        return;
    };
    let place = list.iter().position(|one| one["type"] == kind);
    let old = place.map(|place| list[place].clone()).unwrap_or(Value::Null);
    if old["status"] == is && old["reason"] == reason && old["message"] == message {
        return;
    }
    let since = if old["status"] == is { old["lastTransitionTime"].clone() } else { now().into() };
    // A Job's condition has a probe time where a Deployment's has an update time.
    let deployment = matches!(kind, "Available" | "Progressing" | "ReplicaFailure");
    let told = if deployment { "lastUpdateTime" } else { "lastProbeTime" };
    let new = json!({
        "type": kind, "status": is, told: now(), "lastTransitionTime": since,
        "reason": reason, "message": message,
    });
    match place {
        Some(place) => list[place] = new,
        None => list.push(new),
    }
}

/// Writes a count as Go's `omitempty` does: zero is no field.
pub(super) fn set_count(status: &mut Value, field: &str, count: usize) {
    match (count, status.as_object_mut()) {
        (0, Some(fields)) => {
            fields.shift_remove(field);
        }
        _ => status[field] = count.into(),
    }
}

/// How long ago a time stamp was; None when it is none.
pub(super) fn age(stamp: &Value) -> Option<Duration> {
    let then: jiff::Timestamp = stamp.as_str()?.parse().ok()?;
    Some(Duration::try_from(jiff::Timestamp::now().duration_since(then)).unwrap_or_default())
}

/// Writes a status, if it is a new one.
pub(super) fn write_status(store: &Store, resource: &str, object: &Value, status: Value) {
    // Gone in the meantime: nothing to say about it.
    let _ = store.mutate_as(WRITER, resource, namespace(object), name(object), |object| {
        object["status"] = status;
    });
}

pub(super) fn set_replicas(store: &Store, resource: &str, object: &Value, replicas: u64) {
    if object["spec"]["replicas"] == replicas {
        return;
    }
    let _ = store.mutate_as(WRITER, resource, namespace(object), name(object), |object| {
        object["spec"]["replicas"] = replicas.into();
    });
}
