//! What the Pods of this tool have in common: no rights they do not need, an end in time, and an owner they go with.
use super::RUN_LABEL;
use crate::cluster::lease::NAME;
use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The `postgres` user of the official image; any id works for a client.
const USER: u32 = 999;
/// Seconds after which the cluster ends the Job whatever the tool does.
const DEADLINE_SECONDS: u32 = 2 * 60 * 60;
/// Seconds after its end at which the cluster deletes the Job of a tool that was killed.
const KEEP_SECONDS: u32 = 10 * 60;
/// The scripts end at once on TERM; the rest is for psql's rollback.
const GRACE_SECONDS: u32 = 2;

pub(in crate::cluster) fn labels(run: &str) -> BTreeMap<String, String> {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    BTreeMap::from([label("app.kubernetes.io/managed-by", "sandbox-lifecycle"), label(RUN_LABEL, run)])
}

pub(in crate::cluster) fn owned_by_lease(uid: &str) -> Value {
    json!([{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "name": NAME, "uid": uid}])
}

/// A Job of one run that works in `pod` once, and not for ever.
///
/// # Errors
/// A bug: the manifest does not fit the Job's type.
pub(in crate::cluster) fn bounded_job(
    (namespace, name): (&str, &str),
    run: &str,
    lease: &str,
    pod: &Value,
) -> Result<Job> {
    let labels = labels(run);
    let manifest = json!({
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "ownerReferences": owned_by_lease(lease)},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "ttlSecondsAfterFinished": KEEP_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    });
    serde_json::from_value(manifest).context("the Job's manifest")
}

/// A Pod with database clients in it, still without volumes and containers.
pub(in crate::cluster) fn client_pod(restart: &str) -> Value {
    let mut security = user(USER);
    security["fsGroup"] = json!(USER);
    json!({
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": security,
    })
}

/// A Pod's securityContext.
pub(super) fn user(id: u32) -> Value {
    json!({"runAsNonRoot": true, "runAsUser": id, "runAsGroup": id, "seccompProfile": {"type": "RuntimeDefault"}})
}

/// A container's securityContext.
pub(in crate::cluster) fn confined() -> Value {
    json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
}

/// Kubernetes expands `$(NAME)` in commands and values, and takes `$$` for a dollar.
pub(in crate::cluster) fn escaped(value: &str) -> String {
    value.replace('$', "$$")
}
