//! The ApplicationSet controller: its Applications' specs and annotations are as its template has them, but for what
//! `ignoreApplicationDifferences` and `preservedFields` leave to others.

use serde_json::{Value, json};

use super::super::super::store::Store;
use super::super::objects::{name, namespace};

const WRITER: &str = "argocd-applicationset-controller";

pub(super) fn reconcile(store: &Store) {
    for set in store.list("applicationsets", None) {
        let policy = set["spec"]["syncPolicy"]["applicationsSync"].as_str().unwrap_or("sync");
        if matches!(policy, "create-only" | "create-delete") {
            continue;
        }
        for application in store.list("applications", Some(namespace(&set))) {
            let owners = application["metadata"]["ownerReferences"].as_array();
            if owners
                .into_iter()
                .flatten()
                .any(|owner| owner["kind"] == "ApplicationSet" && owner["name"] == name(&set))
            {
                restore(store, &set, &application);
            }
        }
    }
}

fn restore(store: &Store, set: &Value, application: &Value) {
    // Gone in the meantime: nothing to restore.
    let _ = store.mutate_as(WRITER, "applications", namespace(application), name(application), |live| {
        let mut wanted = json!({"spec": set["spec"]["template"]["spec"]});
        for pointer in ignored(set) {
            keep(&mut wanted, live, &pointer);
        }
        live["spec"] = wanted["spec"].clone();
        let preserved = set["spec"]["preservedFields"]["annotations"].as_array().cloned().unwrap_or_default();
        if let Some(annotations) = live["metadata"]["annotations"].as_object_mut() {
            let declared = set["spec"]["template"]["metadata"]["annotations"].as_object();
            annotations.retain(|key, _| {
                preserved.iter().any(|kept| kept == key) || declared.is_some_and(|all| all.contains_key(key))
            });
        }
    });
}

fn ignored(set: &Value) -> Vec<String> {
    let rules = set["spec"]["ignoreApplicationDifferences"].as_array().into_iter().flatten();
    let pointers = rules.filter_map(|rule| rule["jsonPointers"].as_array()).flatten();
    pointers.filter_map(|pointer| pointer.as_str().map(str::to_owned)).collect()
}

/// At `pointer`, `wanted` becomes as `live` is.
fn keep(wanted: &mut Value, live: &Value, pointer: &str) {
    let Some((above, field)) = pointer.rsplit_once('/') else { return };
    let Some(fields) = wanted.pointer_mut(above).and_then(Value::as_object_mut) else { return };
    match live.pointer(pointer) {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.shift_remove(field),
    };
}
