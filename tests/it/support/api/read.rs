//! get and list.

use serde_json::{Value, json};

use super::super::store::Status;
use super::Shared;
use super::answer::Answer;
use super::conversation::Asked;
use super::selection::Selection;
use super::target::Target;

pub(super) fn get(target: &Target, shared: &Shared) -> Result<Answer, Status> {
    current(target, shared).map(Answer::ok)
}

/// The object that the path names, or 404.
pub(super) fn current(target: &Target, shared: &Shared) -> Result<Value, Status> {
    let (resource, name) = (target.kind.resource, target.name());
    let found = shared.store.get(resource, &target.namespace, name);
    found.ok_or_else(|| Status::not_found(resource, name))
}

/// Pages are cut out of the present: `continue` is the number of objects already given.
pub(super) fn list(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let selection = Selection::of(target, &asked.query)?;
    let namespace = Some(target.namespace.as_str()).filter(|ns| !ns.is_empty());
    let (revision, objects) = shared.store.list_at(target.kind.resource, namespace);
    let mut items: Vec<Value> = objects.into_iter().filter(|one| selection.has(one)).collect();
    let start = match asked.query.get("continue").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(start)) => start.min(items.len()),
        Some(Err(_)) => return Err(Status::bad_request("continue key is not valid")),
    };
    items.drain(..start);
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let limit = asked.query.number("limit").and_then(|limit| usize::try_from(limit).ok());
    if let Some(limit) = limit.filter(|limit| *limit > 0 && *limit < items.len()) {
        metadata["continue"] = (start + limit).to_string().into();
        metadata["remainingItemCount"] = (items.len() - limit).into();
        items.truncate(limit);
    }
    // Inside a list of a built-in kind the items do not repeat what they are.
    if target.kind.group != "argoproj.io" {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.shift_remove("apiVersion");
            item.shift_remove("kind");
        }
    }
    if metadata_only(asked) {
        for item in &mut items {
            *item = json!({"metadata": item["metadata"]});
        }
        return Ok(Answer::ok(json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
        })));
    }
    Ok(Answer::ok(json!({
        "kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
        "metadata": metadata, "items": items,
    })))
}

/// Nothing but what the objects are called was asked for: what is in a Secret does not cross the wire.
fn metadata_only(asked: &Asked) -> bool {
    let accepted = asked.headers.get(hyper::header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|value| value.contains("as=PartialObjectMetadataList"))
}
