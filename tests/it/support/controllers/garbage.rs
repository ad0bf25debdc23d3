//! Garbage collection: dependents without owners, foreground and orphaning deletions, Namespaces.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::store::{Store, kinds::KINDS};
use super::Next;
use super::objects::{delete, is_deleting, name, namespace, uid};

pub(super) fn reconcile(store: &Store) -> Next {
    let all: Vec<(&'static str, Value)> = KINDS
        .iter()
        .flat_map(|kind| {
            store
                .list(kind.resource, None)
                .into_iter()
                .map(|object| (kind.resource, object))
        })
        .collect();
    let alive: BTreeSet<&str> = all.iter().map(|(_, object)| uid(object)).collect();
    let held = |finalizer: &'static str| {
        all.iter()
            .filter(move |(_, object)| is_deleting(object) && has(object, finalizer))
    };
    let foreground: BTreeSet<&str> = held("foregroundDeletion")
        .map(|(_, object)| uid(object))
        .collect();
    for (resource, object) in held("orphan") {
        orphan(store, &all, object);
        release(store, resource, object, "orphan");
    }
    for (resource, object) in &all {
        let owners = owners(object);
        let lost = |owner: &&str| !alive.contains(owner) || foreground.contains(owner);
        if !owners.is_empty() && owners.iter().all(lost) && !is_deleting(object) {
            delete(store, resource, object);
        }
    }
    for (resource, object) in held("foregroundDeletion") {
        if !all
            .iter()
            .any(|(_, one)| owners(one).contains(&uid(object)))
        {
            release(store, resource, object, "foregroundDeletion");
        }
    }
    namespaces(store, &all);
    None
}

fn has(object: &Value, finalizer: &str) -> bool {
    let list = object["metadata"]["finalizers"].as_array();
    list.is_some_and(|list| list.iter().any(|one| one == finalizer))
}

fn owners(object: &Value) -> Vec<&str> {
    let references = object["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten();
    references.filter_map(|one| one["uid"].as_str()).collect()
}

/// Takes an owner out of its dependents.
fn orphan(store: &Store, all: &[(&'static str, Value)], owner: &Value) {
    let dependents = all
        .iter()
        .filter(|(_, object)| owners(object).contains(&uid(owner)));
    for (resource, object) in dependents {
        // Gone in the meantime: no dependent any more.
        let _ = store.mutate(resource, namespace(object), name(object), |object| {
            if let Some(list) = object["metadata"]["ownerReferences"].as_array_mut() {
                list.retain(|one| one["uid"] != *uid(owner));
            }
        });
    }
}

fn release(store: &Store, resource: &str, object: &Value, finalizer: &str) {
    // Gone in the meantime: nothing to release.
    let _ = store.mutate(resource, namespace(object), name(object), |object| {
        if let Some(list) = object["metadata"]["finalizers"].as_array_mut() {
            list.retain(|one| one != finalizer);
        }
    });
}

/// A Namespace goes when everything in it has gone.
fn namespaces(store: &Store, all: &[(&'static str, Value)]) {
    for (_, going) in all
        .iter()
        .filter(|(of, one)| *of == "namespaces" && is_deleting(one))
    {
        let within: Vec<_> = all
            .iter()
            .filter(|(_, object)| namespace(object) == name(going))
            .collect();
        for (resource, object) in within.iter().filter(|(_, object)| !is_deleting(object)) {
            delete(store, resource, object);
        }
        let _ = store.mutate("namespaces", "", name(going), |object| {
            object["status"]["phase"] = "Terminating".into();
            if within.is_empty() {
                object["spec"]["finalizers"] = Value::Array(Vec::new());
            }
        });
    }
}
