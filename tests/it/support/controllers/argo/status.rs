//! What Argo CD writes into an Application's status; a plain field, as there is no subresource for it.

use serde_json::{Value, json};

use super::super::super::store::Store;
use super::super::super::store::rules::now;
use super::super::objects::{name, namespace};
use super::APPLICATION_WRITER;

pub(super) fn change(store: &Store, application: &Value, change: impl FnOnce(&mut Value)) {
    // Gone in the meantime: nobody to tell.
    let _ = store.mutate_as(APPLICATION_WRITER, "applications", namespace(application), name(application), change);
}

pub(super) fn compared(store: &Store, application: &Value, synced: bool) {
    let status = if synced { "Synced" } else { "OutOfSync" };
    let refresh = "argocd.argoproj.io/refresh";
    let asked = application["metadata"]["annotations"][refresh].is_string();
    if application["status"]["sync"]["status"] == status && !asked {
        return;
    }
    change(store, application, |object| {
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.shift_remove(refresh);
        }
        object["status"]["sync"]["status"] = status.into();
        object["status"]["reconciledAt"] = now().into();
        object["status"]["health"]["status"] = "Healthy".into();
    });
}

/// The spec as the controller likes it: `NormalizeApplicationSpec` removes a policy that says nothing.
pub(super) fn normalize(store: &Store, application: &Value) {
    let policy = application["spec"]["syncPolicy"].as_object();
    let says_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if !policy.is_some_and(|policy| policy.values().all(says_nothing)) {
        return;
    }
    change(store, application, |object| {
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.shift_remove("syncPolicy");
        }
    });
}

pub(super) fn begin(object: &mut Value) {
    let operation = json!({"initiatedBy": {"automated": true}, "retry": {"limit": 5}, "sync": {"revision": "HEAD"}});
    object["operation"] = operation.clone();
    object["status"]["operationState"] = json!({
        "operation": operation, "phase": "Running", "startedAt": now(), "message": "waiting for healthy state",
    });
}

pub(super) fn finish(store: &Store, application: &Value, phase: &str, message: &str) {
    change(store, application, |object| {
        if let Some(fields) = object.as_object_mut() {
            fields.shift_remove("operation");
        }
        let state = &mut object["status"]["operationState"];
        if state["phase"].as_str() != Some("Running") && state["phase"].as_str() != Some("Terminating") {
            *state = json!({"operation": {"sync": {"revision": "HEAD"}}, "startedAt": now()});
        }
        state["phase"] = phase.into();
        state["message"] = message.into();
        state["finishedAt"] = now().into();
    });
}
