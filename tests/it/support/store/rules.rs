//! What holds for every write: system fields, generation, and when a deletion is finished.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::kinds;

/// RFC 3339 in whole seconds, as `metav1.Time` is written.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A uid that looks like one; unique in the process, and between processes by the clock.
pub(crate) fn uid() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let clock = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
    let (high, low) = (clock >> 32, clock & 0xffff);
    let pid = u64::from(std::process::id()) & 0xfff;
    format!("{high:08x}-{low:04x}-4{pid:03x}-8000-{number:012x}")
}

/// A name from `generateName`; the prefix is cut so that the name stays a label.
pub(crate) fn generated_name(prefix: &str) -> String {
    let prefix: String = prefix.chars().take(58).collect();
    format!("{prefix}{}", suffix())
}

/// Five characters for a generated name, of the alphabet that Kubernetes uses.
pub(crate) fn suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let clock = u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or_default();
    // The counter's digits come last, so that no two names of one process are equal.
    let mut rest = NEXT.fetch_add(1, Ordering::Relaxed) * 27 * 27 + clock / 1000 % (27 * 27);
    let mut text = String::new();
    for _ in 0..5 {
        let digit = usize::try_from(rest % 27).unwrap_or_default();
        text.push(char::from(ALPHABET[digit]));
        rest /= 27;
    }
    text
}

pub(super) fn adorn_new(resource: &str, object: &mut Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let kind = kinds::find(resource);
    if let Some(kind) = kind {
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.into();
    }
    let metadata = &mut object["metadata"];
    // The API gives a Job its uid before it is stored: the selector names it.
    if !metadata["uid"].is_string() {
        metadata["uid"] = uid().into();
    }
    metadata["creationTimestamp"] = now().into();
    if kind.is_some_and(|kind| kind.generation) {
        metadata["generation"] = 1.into();
    }
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    metadata.shift_remove("deletionTimestamp");
    metadata.shift_remove("deletionGracePeriodSeconds");
}

/// Nobody can write these: silently kept, as the server does.
pub(crate) fn keep_system_fields(old: &Value, new: &mut Value) {
    const KEPT: &[&str] = &[
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ];
    new["apiVersion"] = old["apiVersion"].clone();
    new["kind"] = old["kind"].clone();
    if !new["metadata"].is_object() {
        new["metadata"] = json!({});
    }
    let Some(metadata) = new["metadata"].as_object_mut() else {
        return;
    };
    for field in KEPT {
        match old["metadata"].get(field) {
            Some(value) => metadata.insert((*field).to_owned(), value.clone()),
            None => metadata.shift_remove(*field),
        };
    }
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        if metadata.get(field).is_some_and(is_empty) {
            metadata.shift_remove(field);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Counts a change of the wish: neither metadata nor, where it is a subresource, status.
pub(super) fn count_generation(resource: &str, old: &Value, new: &mut Value) {
    let Some(kind) = kinds::find(resource).filter(|kind| kind.generation) else {
        return;
    };
    let wish = |object: &Value| {
        let mut wish = object.clone();
        if let Some(fields) = wish.as_object_mut() {
            fields.shift_remove("metadata");
            if kind.has("status") {
                fields.shift_remove("status");
            }
        }
        wish
    };
    if wish(old) != wish(new) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or_default();
        new["metadata"]["generation"] = (generation + 1).into();
    }
}

/// Finalizers hold a deletion up; a Namespace has its own in its spec.
pub(super) fn is_held(object: &Value) -> bool {
    let lists = [&object["metadata"]["finalizers"], &object["spec"]["finalizers"]];
    lists.into_iter().any(|list| list.as_array().is_some_and(|list| !list.is_empty()))
}

/// A deletion has begun and nothing holds it up any more. A Pod waits for its kubelet as well,
/// which says so by deleting it with no grace.
pub(super) fn is_finished_deleting(resource: &str, object: &Value) -> bool {
    let metadata = &object["metadata"];
    let begun = metadata["deletionTimestamp"].is_string();
    let running = resource == "pods" && metadata["deletionGracePeriodSeconds"].as_u64() != Some(0);
    begun && !is_held(object) && !running
}
