//! What Git says, and how what lives differs from it: a field that Git does not name is nobody's.

use serde_json::Value;

use super::super::super::store::Store;
use super::super::objects::{name, namespace};
use super::SYNC_WRITER;

/// A manifest with the resource it is of.
pub(super) type Manifest = (String, Value);

/// Replaces the manifest of the same object, or adds one.
pub(super) fn declare(manifests: &mut Vec<Manifest>, resource: &str, manifest: Value) {
    let same = |one: &Manifest| {
        one.0 == resource && name(&one.1) == name(&manifest) && namespace(&one.1) == namespace(&manifest)
    };
    manifests.retain(|one| !same(one));
    manifests.push((resource.to_owned(), manifest));
}

/// The manifests for a namespace that what lives does not agree with.
pub(super) fn drift(store: &Store, manifests: &[Manifest], destination: &str) -> Vec<Manifest> {
    let differs = |(resource, manifest): &&Manifest| {
        let live = store.get(resource, destination, name(manifest));
        namespace(manifest) == destination && !live.is_some_and(|live| agrees(&live, manifest))
    };
    manifests.iter().filter(differs).cloned().collect()
}

pub(super) fn sync(store: &Store, drift: &[Manifest]) {
    for (resource, manifest) in drift {
        let place = (namespace(manifest), name(manifest));
        let healed = store.mutate_as(SYNC_WRITER, resource, place.0, place.1, |live| {
            json_patch::merge(live, manifest);
        });
        if healed.is_err() {
            // It was deleted: Git's copy comes back. A refusal shows as OutOfSync.
            let _ = store.create(resource, manifest.clone());
        }
    }
}

/// Every field that `wanted` names is so in `live`.
fn agrees(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(field, wanted)| live.get(field).map_or(wanted.is_null(), |live| agrees(live, wanted)))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| agrees(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}
