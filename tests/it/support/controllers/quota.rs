//! ResourceQuota, as far as it keeps a Job or a ReplicaSet from having a Pod: `hard.pods` alone is counted.

use serde_json::{Value, json};

use super::super::store::Store;
use super::super::store::rules::{generated_name, now};
use super::objects::{is_active, name, namespace, owner_reference};

/// Why a quota lets the owner have no further Pod, if one does not; an Event says so, as the owner's controller does.
pub(super) fn refusal(store: &Store, resource: &str, owner: &Value) -> Option<String> {
    let quotas = store.list("resourcequotas", Some(namespace(owner)));
    let pods = store.list("pods", Some(namespace(owner))).iter().filter(|pod| is_active(pod)).count();
    let limit = |quota: &Value| quota["spec"]["hard"]["pods"].as_str().and_then(|pods| pods.parse::<usize>().ok());
    let (quota, limit) =
        quotas.iter().find_map(|quota| Some((quota, limit(quota)?)).filter(|(_, limit)| pods >= *limit))?;
    let forbidden = format!(
        "pods \"{}-x\" is forbidden: exceeded quota: {}, requested: pods=1, used: pods={pods}, limited: pods={limit}",
        name(owner),
        name(quota)
    );
    let about = owner_reference(resource, owner);
    let component = if resource == "jobs" { "job-controller" } else { "replicaset-controller" };
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": generated_name(&format!("{}.", name(owner))), "namespace": namespace(owner)},
        "involvedObject": {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "name": about["name"],
            "namespace": namespace(owner), "uid": about["uid"],
        },
        "type": "Warning", "reason": "FailedCreate", "message": format!("Error creating: {forbidden}"), "count": 1,
        "firstTimestamp": now(), "lastTimestamp": now(),
        "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
    });
    // A namespace that is going away takes no more of them.
    let _ = store.create("events", event);
    Some(forbidden)
}
