//! ResourceQuota, as far as it keeps a Job from having a Pod: `hard.pods` alone is counted.

use serde_json::{Value, json};

use super::super::store::Store;
use super::super::store::rules::{generated_name, now};
use super::objects::{is_active, name, namespace, uid};

/// Whether a quota lets the Job have one more Pod; if not, an Event says so, as the Job controller's does.
pub(super) fn admits(store: &Store, job: &Value) -> bool {
    let quotas = store.list("resourcequotas", Some(namespace(job)));
    let pods = store.list("pods", Some(namespace(job))).iter().filter(|pod| is_active(pod)).count();
    let limit = |quota: &Value| quota["spec"]["hard"]["pods"].as_str().and_then(|pods| pods.parse::<usize>().ok());
    let Some((quota, limit)) = quotas.iter().find_map(|quota| Some((quota, limit(quota)?)).filter(|(_, l)| pods >= *l))
    else {
        return true;
    };
    let message = format!(
        "Error creating: pods \"{}-x\" is forbidden: exceeded quota: {}, requested: pods=1, used: pods={pods}, limited: pods={limit}",
        name(job),
        name(quota)
    );
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": generated_name(&format!("{}.", name(job))), "namespace": namespace(job)},
        "involvedObject": {"apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job), "uid": uid(job)},
        "type": "Warning", "reason": "FailedCreate", "message": message, "count": 1,
        "firstTimestamp": now(), "lastTimestamp": now(),
        "source": {"component": "job-controller"}, "reportingComponent": "job-controller", "reportingInstance": "",
    });
    // A namespace that is going away takes no more of them.
    let _ = store.create("events", event);
    false
}
