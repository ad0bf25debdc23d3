//! The `scale` subresource of Deployments and ReplicaSets.

use serde_json::{Value, json};

use super::super::store::{Cause, Status, sign};
use super::Shared;
use super::answer::Answer;
use super::conversation::Asked;
use super::target::Target;
use super::{patch, read, route};

pub(super) fn answer(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    match asked.method.as_str() {
        "GET" => Ok(Answer::ok(scale_of(&read::current(target, shared)?))),
        "PUT" => {
            let wish = asked.json()?;
            write(asked, target, shared, |_| Ok(wish))
        }
        "PATCH" => write(asked, target, shared, |scale| patch::apply(asked, target, scale)),
        _ => Err(route::not_allowed()),
    }
}

fn write(
    asked: &Asked,
    target: &Target,
    shared: &Shared,
    next: impl FnOnce(&Value) -> Result<Value, Status>,
) -> Result<Answer, Status> {
    let (resource, name) = (target.kind.resource, target.name());
    let dry = asked.is_dry_run();
    let done = shared.store.change(dry, (resource, &target.namespace, name), |object| {
        let scale = scale_of(object);
        let wish = next(&scale)?;
        let version = wish["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if !version.is_empty() && scale["metadata"]["resourceVersion"] != *version {
            return Err(Status::modified(resource, name));
        }
        let replicas = replicas(name, &wish)?;
        if object["spec"]["replicas"] != replicas {
            let before = object.clone();
            object["spec"]["replicas"] = replicas.into();
            sign(&before, object, &asked.writer(), "Update", "scale");
        }
        Ok(())
    })?;
    Ok(Answer::ok(scale_of(&done)))
}

fn replicas(name: &str, wish: &Value) -> Result<i64, Status> {
    let spec = wish["spec"].as_object();
    let unknown = spec.and_then(|spec| spec.keys().find(|field| *field != "replicas"));
    if let Some(field) = unknown {
        let why = format!("strict decoding error: unknown field \"spec.{field}\"");
        return Err(patch::refuse(wish, &why));
    }
    // Go leaves a zero out, so nothing is zero.
    let replicas = match &wish["spec"]["replicas"] {
        Value::Null => 0,
        value => value.as_i64().ok_or_else(|| patch::refuse(wish, "replicas is not a number"))?,
    };
    if replicas < 0 {
        let why = Cause::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(Status::invalid("scales", name, vec![why]));
    }
    Ok(replicas)
}

fn scale_of(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        metadata[field] = object["metadata"][field].clone();
    }
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let labels = labels.into_iter().flatten();
    let selector: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let mut spec = json!({});
    if object["spec"]["replicas"] != 0 {
        spec["replicas"] = object["spec"]["replicas"].clone();
    }
    let replicas = object["status"]["replicas"].as_i64().unwrap_or_default();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec,
        "status": {"replicas": replicas, "selector": selector.join(",")},
    })
}
