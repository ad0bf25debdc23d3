//! create, update and patch: what is the same for all three is `Draft`, an object on its way in.

use serde_json::{Value, json};

use super::super::store::kinds::Kind;
use super::super::store::{Cause, Status, defaults, rules, sign};
use super::answer::Answer;
use super::conversation::Asked;
use super::target::Target;
use super::{Settings, Shared, patch as patches, read, schema, validation};

pub(super) fn create(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let mut object = asked.json()?;
    identify(&mut object, target)?;
    let (object, warnings) = decoded(&object, asked, target, shared)?;
    let object = prepared_new(object, asked, target, shared)?;
    if asked.is_dry_run() {
        return Ok(Answer::json(201, object).warn(warnings));
    }
    let created = shared.store.create(target.kind.resource, object)?;
    Ok(Answer::json(201, created).warn(warnings))
}

/// Names, defaults, checks: all but storing it.
fn prepared_new(mut object: Value, asked: &Asked, target: &Target, shared: &Shared) -> Result<Value, Status> {
    let kind = target.kind;
    strip(kind, &mut object);
    let prefix = object["metadata"]["generateName"].as_str().map(str::to_owned);
    if object["metadata"]["name"].as_str().unwrap_or_default().is_empty() {
        let Some(prefix) = prefix else {
            let why = Cause::required_because("metadata.name", "name or generateName is required");
            return Err(Status::invalid(kind.resource, "", vec![why]));
        };
        object["metadata"]["name"] = rules::generated_name(&prefix).into();
    }
    namespace_is_open(target, shared)?;
    object["metadata"]["uid"] = rules::uid().into();
    defaults::fill(kind.resource, &mut object);
    validation::check(kind, None, &object)?;
    sign(&json!({}), &mut object, &asked.writer(), operation(asked), "");
    Ok(object)
}

/// What a client cannot bring along.
fn strip(kind: &Kind, object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            metadata.shift_remove(field);
        }
    }
    if kind.has("status")
        && let Some(fields) = object.as_object_mut()
    {
        fields.shift_remove("status");
    }
}

fn operation(asked: &Asked) -> &'static str {
    if asked.content_type == patches::APPLY { "Apply" } else { "Update" }
}

/// A Namespace that is not there, or is going, takes nothing new.
fn namespace_is_open(target: &Target, shared: &Shared) -> Result<(), Status> {
    let ns = &target.namespace;
    if ns.is_empty() {
        return Ok(());
    }
    let found = shared.store.get("namespaces", "", ns);
    let found = found.ok_or_else(|| Status::not_found("namespaces", ns))?;
    if found["metadata"]["deletionTimestamp"].is_string() {
        let what = super::super::store::kinds::qualified(target.kind.resource);
        let message = format!(
            "{what} \"{}\" is forbidden: unable to create new content in namespace {ns} because it is being terminated",
            target.name()
        );
        return Err(Status::new(403, "Forbidden", message));
    }
    Ok(())
}

/// The body must be of the kind, namespace and name that the path says, and is made to say so.
fn identify(object: &mut Value, target: &Target) -> Result<(), Status> {
    let kind = target.kind;
    let says = |field: &str, wanted: &str| object[field].as_str().is_none_or(|given| given == wanted);
    if !object.is_object() || !says("kind", kind.kind) || !says("apiVersion", &kind.api_version()) {
        let given =
            format!("{}, Kind={}", object["apiVersion"].as_str().unwrap_or(""), object["kind"].as_str().unwrap_or(""));
        return Err(Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {given}",
            kind.kind
        )));
    }
    object["kind"] = kind.kind.into();
    object["apiVersion"] = kind.api_version().into();
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    place(object, target)
}

/// The namespace and name of the path.
fn place(object: &mut Value, target: &Target) -> Result<(), Status> {
    let metadata = &mut object["metadata"];
    let other =
        |field: &str, wanted: &str| metadata[field].as_str().is_some_and(|given| !given.is_empty() && given != wanted);
    if target.kind.namespaced && other("namespace", &target.namespace) {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    if let Some(name) = target.name.as_deref() {
        if other("name", name) {
            let message = format!(
                "the name of the object ({}) does not match the name on the URL ({name})",
                metadata["name"].as_str().unwrap_or_default()
            );
            return Err(Status::bad_request(message));
        }
        metadata["name"] = name.into();
    }
    if target.kind.namespaced {
        metadata["namespace"] = target.namespace.clone().into();
    }
    Ok(())
}

/// Without unknown fields, or refused because of them, as `fieldValidation` asks.
fn decoded(object: &Value, asked: &Asked, target: &Target, shared: &Shared) -> Result<(Value, Vec<String>), Status> {
    let kind = target.kind;
    let settings = shared.settings();
    let decoded = schema::decode(kind, object, &settings).map_err(|why| schema::refuse(kind, &why))?;
    let faults = decoded.faults();
    match strictness(asked, &settings) {
        "Strict" if !faults.is_empty() => {
            let why = format!("strict decoding error: {}", faults.join(", "));
            Err(schema::refuse(kind, &why))
        }
        "Warn" => Ok((decoded.object, faults)),
        _ => Ok((decoded.object, Vec::new())),
    }
}

/// What becomes of unknown fields.
fn strictness<'a>(asked: &'a Asked, settings: &Settings) -> &'a str {
    if settings.validates_fields { asked.query.get("fieldValidation").unwrap_or("Warn") } else { "Ignore" }
}

pub(super) fn update(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let mut object = asked.json()?;
    identify(&mut object, target)?;
    let (object, warnings) = decoded(&object, asked, target, shared)?;
    let missing = read::current(target, shared).is_err();
    // A Lease, alone of what is here, may be created by an update.
    if missing && target.kind.resource == "leases" && object["metadata"]["uid"].is_null() {
        let object = prepared_new(object, asked, target, shared)?;
        let created = shared.store.create(target.kind.resource, object)?;
        return Ok(Answer::json(201, created).warn(warnings));
    }
    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if version.is_empty() && matches!(target.kind.resource, "leases" | "applications") {
        let why = Cause::invalid("metadata.resourceVersion", 0, "must be specified for an update");
        return Err(Status::invalid(target.kind.resource, target.name(), vec![why]));
    }
    let updated = store(asked, target, shared, |_| Ok(object))?;
    Ok(Answer::ok(updated).warn(warnings))
}

pub(super) fn patch(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    if asked.content_type == patches::APPLY && read::current(target, shared).is_err() {
        patches::needs_field_manager(asked)?;
        return create(asked, target, shared);
    }
    let mut warnings = Vec::new();
    let patched = store(asked, target, shared, |current| {
        let mut object = patches::apply(asked, target, current)?;
        identify(&mut object, target)?;
        let known =
            schema::decode(target.kind, &object, &shared.settings()).map_err(|why| patches::refuse(&object, &why))?;
        match strictness(asked, &shared.settings()) {
            "Strict" if !known.unknown.is_empty() => {
                let why = format!("strict decoding error: {}", known.faults().join(", "));
                return Err(patches::refuse(&object, &why));
            }
            "Warn" => warnings = known.faults(),
            _ => {}
        }
        Ok(known.object)
    })?;
    Ok(Answer::ok(patched).warn(warnings))
}

/// Puts what `next` makes of the present object in its place, under the store's lock.
fn store(
    asked: &Asked,
    target: &Target,
    shared: &Shared,
    next: impl FnOnce(&Value) -> Result<Value, Status>,
) -> Result<Value, Status> {
    let (kind, name) = (target.kind, target.name());
    let place = (kind.resource, target.namespace.as_str(), name);
    shared.store.change(asked.is_dry_run(), place, |object| {
        let mut new = next(object)?;
        same_object(target, object, &new)?;
        let part = target.subresource.as_deref().unwrap_or_default();
        keep_other_part(target, object, &mut new);
        new["metadata"]["managedFields"] = object["metadata"]["managedFields"].clone();
        defaults::fill(kind.resource, &mut new);
        validation::check(kind, Some(object), &new)?;
        new["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        rules::keep_system_fields(object, &mut new);
        if new != *object {
            sign(object, &mut new, &asked.writer(), operation(asked), part);
            *object = new;
        }
        Ok(())
    })
}

/// The optimistic lock, and "not another one of the same name".
fn same_object(target: &Target, object: &Value, new: &Value) -> Result<(), Status> {
    let (resource, name) = (target.kind.resource, target.name());
    let differs = |field: &str| {
        let given = new["metadata"][field].as_str().unwrap_or_default();
        !given.is_empty() && object["metadata"][field] != *given
    };
    if differs("uid") {
        let uid = |of: &Value| of["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let why =
            format!("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid(new), uid(object));
        return Err(Status::conflict(resource, name, &why));
    }
    if differs("resourceVersion") {
        return Err(Status::modified(resource, name));
    }
    Ok(())
}

/// `status` is written through its subresource, and nothing else is.
fn keep_other_part(target: &Target, object: &Value, new: &mut Value) {
    if !target.kind.has("status") {
        return;
    }
    if target.subresource.as_deref() == Some("status") {
        let status = new["status"].clone();
        *new = object.clone();
        new["status"] = status;
    } else if let Some(fields) = new.as_object_mut() {
        match object.get("status") {
            Some(status) => fields.insert("status".to_owned(), status.clone()),
            None => fields.shift_remove("status"),
        };
    }
}
