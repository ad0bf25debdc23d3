//! `metadata.managedFields`: who owns which field, as server-side apply's bookkeeping has it.
//!
//! A writer owns what it changes, and loses what another one changes or anybody takes away. Left out: a list is one
//! field (Kubernetes follows its items by key), and nobody shares a field that two have applied alike.

use serde_json::{Map, Value, json};

use super::rules::now;

/// Notes what `writer` made of `before`. As with the server, a writer is who writes by one operation to one subresource.
pub(crate) fn sign(before: &Value, object: &mut Value, writer: &str, operation: &str, subresource: &str) {
    let (written, gone) = changes(&wish(before), &wish(object));
    if written.is_empty() && gone.is_empty() {
        return;
    }
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let mine = |entry: &Value| {
        entry["manager"] == writer
            && entry["operation"] == operation
            && entry["subresource"].as_str().unwrap_or_default() == subresource
    };
    let mut own = Map::new();
    let mut kept = Vec::new();
    for mut entry in entries {
        let Some(fields) = entry["fieldsV1"].as_object_mut() else { continue };
        subtract(fields, &written);
        subtract(fields, &gone);
        match mine(&entry) {
            true => own = entry["fieldsV1"].as_object().cloned().unwrap_or_default(),
            false if entry["fieldsV1"] != json!({}) => kept.push(entry),
            false => {}
        }
    }
    add(&mut own, &written);
    if !own.is_empty() {
        let mut entry = json!({
            "manager": writer, "operation": operation, "apiVersion": object["apiVersion"],
            "time": now(), "fieldsType": "FieldsV1", "fieldsV1": own,
        });
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        kept.push(entry);
    }
    object["metadata"]["managedFields"] = kept.into();
}

/// The object without what nobody owns.
fn wish(object: &Value) -> Value {
    let mut wish = object.clone();
    if let Some(fields) = wish.as_object_mut() {
        fields.shift_remove("apiVersion");
        fields.shift_remove("kind");
    }
    if let Some(metadata) = wish["metadata"].as_object_mut() {
        metadata
            .retain(|field, _| matches!(field.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences"));
    }
    wish
}

/// What is new or other, and what is gone, as sets of fields.
fn changes(before: &Value, after: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (mut written, mut gone) = (Map::new(), Map::new());
    let empty = Map::new();
    let (old, new) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    for (field, value) in new {
        match old.get(field) {
            Some(old) if old == value => {}
            Some(old) if old.is_object() && value.is_object() => {
                let below = changes(old, value);
                put(&mut written, field, below.0);
                put(&mut gone, field, below.1);
            }
            _ => {
                written.insert(format!("f:{field}"), set(value));
            }
        }
    }
    for field in old.keys().filter(|field| !new.contains_key(*field)) {
        gone.insert(format!("f:{field}"), json!({}));
    }
    (written, gone)
}

fn put(fields: &mut Map<String, Value>, field: &str, below: Map<String, Value>) {
    if !below.is_empty() {
        fields.insert(format!("f:{field}"), below.into());
    }
}

/// All fields of a value; none below is the field itself.
fn set(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(field, value)| (format!("f:{field}"), set(value))).collect::<Map<_, _>>().into()
}

fn subtract(fields: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (field, below) in other {
        let Some(own) = fields.get_mut(field).and_then(Value::as_object_mut) else { continue };
        match below.as_object().filter(|below| !below.is_empty()) {
            Some(below) => subtract(own, below),
            None => own.clear(),
        }
        if own.is_empty() {
            fields.shift_remove(field);
        }
    }
}

fn add(fields: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (field, below) in other {
        let own = fields.entry(field).or_insert_with(|| json!({}));
        if let (Some(own), Some(below)) = (own.as_object_mut(), below.as_object()) {
            add(own, below);
        }
    }
}

#[test]
fn a_writer_owns_what_it_changes_until_another_one_does() {
    let bare = json!({"apiVersion": "v1", "metadata": {"name": "a"}});
    let mut object = bare.clone();
    object["spec"] = json!({"replicas": 1, "policy": {"automated": {"prune": true, "selfHeal": true}}});
    sign(&bare, &mut object, "kubectl", "Update", "");
    let before = object.clone();
    object["spec"]["replicas"] = 0.into();
    sign(&before, &mut object, "tool", "Update", "scale");
    let before = object.clone();
    object["spec"]["policy"] = json!({"automated": {"prune": true, "enabled": false}});
    sign(&before, &mut object, "tool", "Update", "");
    let owned: Vec<(&str, &str, &Value)> = object["metadata"]["managedFields"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            (text("manager"), text("subresource"), &entry["fieldsV1"])
        })
        .collect();
    let kubectl = json!({"f:spec": {"f:policy": {"f:automated": {"f:prune": {}}}}});
    let scale = json!({"f:spec": {"f:replicas": {}}});
    let tool = json!({"f:spec": {"f:policy": {"f:automated": {"f:enabled": {}}}}});
    assert_eq!(owned, [("kubectl", "", &kubectl), ("tool", "scale", &scale), ("tool", "", &tool)]);
}
