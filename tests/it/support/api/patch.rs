//! The four kinds of patch.

use serde_json::Value;

use super::super::store::Status;
use super::conversation::Asked;
use super::strategic;
use super::target::Target;

pub(super) const APPLY: &str = "application/apply-patch+yaml";

/// The object as the request's patch makes it.
pub(super) fn apply(asked: &Asked, target: &Target, current: &Value) -> Result<Value, Status> {
    let mut object = current.clone();
    let custom = target.kind.group == "argoproj.io";
    match asked.content_type.as_str() {
        "application/merge-patch+json" => {
            json_patch::merge(&mut object, &document(asked)?);
        }
        "application/json-patch+json" => operations(asked, &mut object)?,
        "application/strategic-merge-patch+json" if !custom => {
            strategic::merge(&mut object, &document(asked)?);
        }
        APPLY => {
            needs_field_manager(asked)?;
            strategic::merge(&mut object, &document(asked)?);
        }
        _ => return Err(unsupported(custom)),
    }
    Ok(object)
}

fn document(asked: &Asked) -> Result<Value, Status> {
    let patch: Value = asked.json()?;
    if patch.is_object() {
        return Ok(patch);
    }
    Err(Status::bad_request("json: cannot unmarshal a patch that is not an object"))
}

fn operations(asked: &Asked, object: &mut Value) -> Result<(), Status> {
    let patch: json_patch::Patch = serde_json::from_slice(&asked.body)
        .map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))?;
    // The server does not say which operation failed, nor why.
    json_patch::patch(object, &patch).map_err(|_| {
        let message = "the server rejected our request due to an error in our request";
        Status::new(422, "Invalid", message)
    })
}

pub(super) fn needs_field_manager(asked: &Asked) -> Result<(), Status> {
    if asked.query.get("fieldManager").is_some() {
        return Ok(());
    }
    let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
    Err(Status::new(422, "Invalid", message))
}

/// What a patch made is refused as a fault of the patch, whatever the object is.
pub(super) fn refuse(object: &Value, why: &str) -> Status {
    let shown = Value::from(object.to_string());
    let message = format!(" \"\" is invalid: patch: Invalid value: {shown}: {why}");
    Status::new(422, "Invalid", message)
}

fn unsupported(custom: bool) -> Status {
    let strategic = if custom { "" } else { ", application/strategic-merge-patch+json" };
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: \
         application/json-patch+json, application/merge-patch+json{strategic}, {APPLY}"
    );
    Status::new(415, "UnsupportedMediaType", message)
}
