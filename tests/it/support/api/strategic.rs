//! Strategic merge: as a merge patch, but lists with a key are merged entry by entry.

use serde_json::{Map, Value};

/// The merge keys of the kinds that the lab knows, by the list's name.
const KEYS: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("ownerReferences", "uid"),
    ("conditions", "type"),
    ("hostAliases", "ip"),
    ("topologySpreadConstraints", "topologyKey"),
];

pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if patch.get("$patch").is_some_and(|word| word == "replace") {
        *object = without_directives(patch);
        return;
    }
    if !object.is_object() {
        *object = Map::new().into();
    }
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|field, _| kept.iter().any(|one| one == field));
    }
    for (field, value) in patch.iter().filter(|(field, _)| !field.starts_with('$')) {
        match value {
            Value::Null => {
                fields.shift_remove(field);
            }
            Value::Object(below) if below.get("$patch").is_some_and(|word| word == "delete") => {
                fields.shift_remove(field);
            }
            Value::Object(_) => merge(fields.entry(field).or_insert(Value::Null), value),
            Value::Array(entries) => {
                let old = fields.entry(field).or_insert_with(|| Value::Array(Vec::new()));
                merge_list(field, old, entries);
            }
            value => {
                fields.insert(field.clone(), value.clone());
            }
        }
    }
    delete_primitives(fields, patch);
}

/// `$deleteFromPrimitiveList/finalizers`.
fn delete_primitives(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (directive, gone) in patch {
        let list = directive.strip_prefix("$deleteFromPrimitiveList/");
        let old = list.and_then(|list| fields.get_mut(list)).and_then(Value::as_array_mut);
        if let (Some(old), Some(gone)) = (old, gone.as_array()) {
            old.retain(|one| !gone.contains(one));
        }
    }
}

fn merge_list(field: &str, old: &mut Value, entries: &[Value]) {
    let key = KEYS.iter().find(|(name, _)| *name == field).map(|(_, key)| *key);
    let key = key.or_else(|| port_key(field, entries));
    if !old.is_array() {
        *old = Value::Array(Vec::new());
    }
    let Some(old) = old.as_array_mut() else {
        return;
    };
    if entries.iter().any(|entry| entry["$patch"] == "replace") {
        old.clear();
    }
    match key {
        Some(key) => entries.iter().for_each(|entry| merge_entry(key, old, entry)),
        None if field == "finalizers" => {
            let new = entries.iter().filter(|entry| !old.contains(entry)).cloned();
            old.extend(new.collect::<Vec<_>>());
        }
        None => *old = entries.to_vec(),
    }
}

/// `ports` has another key in a container than in a Service.
fn port_key(field: &str, entries: &[Value]) -> Option<&'static str> {
    let container = entries.iter().any(|entry| !entry["containerPort"].is_null());
    (field == "ports").then_some(if container { "containerPort" } else { "port" })
}

fn merge_entry(key: &str, old: &mut Vec<Value>, entry: &Value) {
    let place = old.iter().position(|one| one[key] == entry[key]);
    match (place, entry["$patch"].as_str()) {
        (Some(place), Some("delete")) => {
            old.remove(place);
        }
        (None, Some("delete")) | (_, Some("replace")) => {}
        (Some(place), _) => merge(&mut old[place], entry),
        (None, _) => {
            let mut new = Value::Null;
            merge(&mut new, entry);
            old.push(new);
        }
    }
}

fn without_directives(patch: &Map<String, Value>) -> Value {
    let kept = patch.iter().filter(|(field, _)| !field.starts_with('$'));
    kept.map(|(field, value)| (field.clone(), value.clone())).collect::<Map<_, _>>().into()
}
