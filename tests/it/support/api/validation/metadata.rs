//! Names, labels, annotations, finalizers and owners: the same for every kind.

use serde_json::{Map, Value};

use super::super::super::store::kinds::Kind;
use super::super::super::store::{Cause, Fault};
use super::syntax;

/// All annotations of an object together.
const ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(kind: &Kind, metadata: &Value, causes: &mut Vec<Cause>) {
    let name = metadata["name"].as_str().unwrap_or_default();
    let label = matches!(kind.kind, "Namespace" | "Service");
    if label && !syntax::is_label(name) {
        causes.push(Cause::invalid("metadata.name", name, syntax::LABEL));
    } else if !label && !syntax::is_subdomain(name) {
        causes.push(Cause::invalid("metadata.name", name, syntax::SUBDOMAIN));
    }
    labels("metadata.labels", &metadata["labels"], causes);
    annotations("metadata.annotations", &metadata["annotations"], causes);
    finalizers(&metadata["finalizers"], causes);
    owners(&metadata["ownerReferences"], causes);
}

pub(super) fn labels(field: &str, labels: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in entries(labels) {
        if !syntax::is_qualified(key) {
            causes.push(Cause::invalid(field, key.clone(), syntax::QUALIFIED));
        }
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 {
            causes.push(Cause::invalid(
                field,
                value,
                "must be no more than 63 bytes",
            ));
        } else if !syntax::is_label_value(value) {
            causes.push(Cause::invalid(field, value, syntax::LABEL_VALUE));
        }
    }
}

fn annotations(field: &str, annotations: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in entries(annotations) {
        // Annotations may have capitals where labels may not.
        if !syntax::is_qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid(field, key.clone(), syntax::QUALIFIED));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        causes.push(Cause::new(field, Fault::TooLong(ANNOTATIONS)));
    }
}

fn finalizers(list: &Value, causes: &mut Vec<Cause>) {
    for one in list.as_array().into_iter().flatten() {
        let name = one.as_str().unwrap_or_default();
        let standard = matches!(name, "orphan" | "foregroundDeletion" | "kubernetes");
        let full = name.contains('/') && syntax::is_qualified(name);
        if !standard && !full {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid("metadata.finalizers", name, why));
        }
    }
}

fn owners(list: &Value, causes: &mut Vec<Cause>) {
    let owners: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    for owner in &owners {
        for part in ["apiVersion", "kind", "name", "uid"] {
            if owner[part].as_str().unwrap_or_default().is_empty() {
                let field = format!("metadata.ownerReferences.{part}");
                causes.push(Cause::invalid(field, "", "must not be empty"));
            }
        }
    }
    if owners
        .iter()
        .filter(|owner| owner["controller"] == true)
        .count()
        > 1
    {
        let why = "Only one reference can have Controller set to true";
        causes.push(Cause::invalid(
            "metadata.ownerReferences",
            list.clone(),
            why,
        ));
    }
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}
