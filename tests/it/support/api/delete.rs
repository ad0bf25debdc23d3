//! delete, of one object or of a selection.

use serde_json::{Value, json};

use super::super::store::kinds::Kind;
use super::super::store::{DeleteOptions, Deleted, Propagation, Status};
use super::Shared;
use super::answer::Answer;
use super::conversation::Asked;
use super::read;
use super::selection::Selection;
use super::target::Target;

pub(super) fn one(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let (options, warnings) = options(asked, target)?;
    if asked.is_dry_run() || is_dry(&body(asked)?) {
        let object = read::current(target, shared)?;
        return Ok(said(target.kind, &Deleted { object, gone: true }).warn(warnings));
    }
    let (resource, name) = (target.kind.resource, target.name());
    let deleted = shared.store.delete(resource, &target.namespace, name, options)?;
    Ok(said(target.kind, &deleted).warn(warnings))
}

pub(super) fn collection(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let selection = Selection::of(target, &asked.query)?;
    let (options, warnings) = options(asked, target)?;
    let resource = target.kind.resource;
    let all = shared.store.list(resource, Some(&target.namespace));
    let chosen: Vec<Value> = all.into_iter().filter(|object| selection.has(object)).collect();
    for object in chosen.iter().filter(|_| !asked.is_dry_run()) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        // One that is gone in the meantime is as wanted.
        let _ = shared.store.delete(resource, &target.namespace, name, options.clone());
    }
    let body = json!({
        "kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
        "metadata": {"resourceVersion": shared.store.revision().to_string()}, "items": chosen,
    });
    Ok(Answer::ok(body).warn(warnings))
}

/// The deleted object where the server gives it back or keeps it for now, else a Status.
fn said(kind: &Kind, deleted: &Deleted) -> Answer {
    const RETURNED: &[&str] = &["pods", "services", "persistentvolumeclaims", "namespaces", "serviceaccounts"];
    if !deleted.gone || RETURNED.contains(&kind.resource) {
        return Answer::ok(deleted.object.clone());
    }
    let metadata = &deleted.object["metadata"];
    let mut details = json!({"name": metadata["name"], "kind": kind.resource, "uid": metadata["uid"]});
    if !kind.group.is_empty() {
        details["group"] = kind.group.into();
    }
    Answer::ok(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details,
    }))
}

/// An empty body is as good as no options.
fn body(asked: &Asked) -> Result<Value, Status> {
    if asked.body.is_empty() { Ok(Value::Null) } else { asked.json() }
}

fn is_dry(body: &Value) -> bool {
    body["dryRun"].as_array().is_some_and(|list| list.iter().any(|one| one == "All"))
}

/// From the body, else from the query; and the warning for a Job that says nothing.
fn options(asked: &Asked, target: &Target) -> Result<(DeleteOptions, Vec<String>), Status> {
    let body = body(asked)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let policy = text(&body["propagationPolicy"]).or_else(|| asked.query.get("propagationPolicy").map(str::to_owned));
    let propagation = match policy.as_deref() {
        None => None,
        Some("Orphan") => Some(Propagation::Orphan),
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some(other) => {
            let message = format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": \
                 supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            );
            return Err(Status::new(422, "Invalid", message));
        }
    };
    let grace = body["gracePeriodSeconds"].as_u64();
    let mut options = DeleteOptions {
        propagation,
        uid: text(&body["preconditions"]["uid"]),
        resource_version: text(&body["preconditions"]["resourceVersion"]),
        grace_period_seconds: grace.or_else(|| asked.query.number("gracePeriodSeconds")),
    };
    let mut warnings = Vec::new();
    if target.kind.resource == "jobs" && propagation.is_none() {
        options.propagation = Some(Propagation::Orphan);
        warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background \
             to remove them or set propagationPolicy=Orphan to suppress this warning"
                .to_owned(),
        );
    }
    Ok((options, warnings))
}
