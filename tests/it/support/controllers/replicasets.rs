//! ReplicaSet → Pods.

use std::cmp::Reverse;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::Store;
use super::super::store::rules::generated_name;
use super::objects::{
    age, condition, delete, is_active, is_deleting, is_ready, name, owned, pod_of, set_condition, set_count,
    write_status,
};
use super::{Next, quota, sooner};

/// The pause before a Pod that was refused is tried again.
const RETRY: Duration = Duration::from_secs(1);

pub(super) fn reconcile(store: &Store) -> Next {
    let mut next = None;
    for set in store.list("replicasets", None).iter().filter(|set| !is_deleting(set)) {
        let mut active = active(store, set);
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(1);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let mut refused = None;
        for _ in active.len()..wanted {
            refused = quota::refusal(store, "replicasets", set);
            if refused.is_some() {
                next = sooner(next, Some(RETRY));
                break;
            }
            let pod = pod_of("replicasets", set, &generated_name(&format!("{}-", name(set))));
            // A refusal is shown by the Pod that is missing.
            let _ = store.create("pods", pod);
        }
        // Those that serve stay longest, and of those the oldest.
        active.sort_by_key(|pod| (Reverse(is_ready(pod)), version(pod)));
        for pod in active.iter().skip(wanted) {
            delete(store, "pods", pod);
        }
        next = sooner(next, tell(store, set, refused));
    }
    next
}

fn active(store: &Store, set: &Value) -> Vec<Value> {
    owned(store, "pods", set).into_iter().filter(is_active).collect()
}

/// The age of a Pod in writes: creation times are whole seconds.
fn version(pod: &Value) -> u64 {
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    uid.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn tell(store: &Store, set: &Value, refused: Option<String>) -> Next {
    let active = active(store, set);
    let min_ready = Duration::from_secs(set["spec"]["minReadySeconds"].as_u64().unwrap_or(0));
    let ready: Vec<&Value> = active.iter().filter(|pod| is_ready(pod)).collect();
    let since = |pod: &&&Value| condition(pod, "Ready").and_then(|ready| age(&ready["lastTransitionTime"]));
    let available =
        ready.iter().filter(|pod| min_ready.is_zero() || since(pod).is_some_and(|since| since >= min_ready)).count();
    let mut status = json!({"replicas": active.len()});
    set_count(&mut status, "fullyLabeledReplicas", active.len());
    set_count(&mut status, "readyReplicas", ready.len());
    set_count(&mut status, "availableReplicas", available);
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    if let Some(message) = refused {
        status["conditions"] = set["status"]["conditions"].clone();
        set_condition(&mut status, "ReplicaFailure", (true, "FailedCreate", &message));
    }
    write_status(store, "replicasets", set, status);
    (available < ready.len()).then_some(Duration::from_secs(1))
}
