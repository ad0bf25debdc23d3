//! What the server refuses as 422 Invalid, for the kinds that this project writes.

use serde_json::Value;

use super::super::store::kinds::Kind;
use super::super::store::{Cause, Fault, Status};
use super::schema;

mod metadata;
mod pods;
mod syntax;

/// `old` is the present object when it is an update.
pub(super) fn check(kind: &Kind, old: Option<&Value>, new: &Value) -> Result<(), Status> {
    let mut causes = Vec::new();
    metadata::check(kind, &new["metadata"], &mut causes);
    match kind.kind {
        "Pod" => pods::check("spec", &new["spec"], &mut causes),
        "Job" => job(old, new, &mut causes),
        "Deployment" | "ReplicaSet" => workload(old, new, &mut causes),
        "Secret" => secret(old, new, &mut causes),
        "Lease" => lease(&new["spec"], &mut causes),
        "Application" => application(kind, new, &mut causes),
        _ => {}
    }
    if let ("Pod", Some(old)) = (kind.kind, old) {
        pods::check_update(&old["spec"], &new["spec"], &mut causes);
    }
    if causes.is_empty() {
        return Ok(());
    }
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    Err(Status::invalid(kind.resource, name, causes))
}

fn not_negative(spec: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    for field in fields {
        if let Some(value) = spec[*field].as_i64().filter(|value| *value < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(format!("spec.{field}"), value, why));
        }
    }
}

fn immutable(old: Option<&Value>, new: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    let Some(old) = old else { return };
    for field in fields {
        if old["spec"][*field] != new["spec"][*field] {
            let value = new["spec"][*field].clone();
            causes.push(Cause::invalid(
                format!("spec.{field}"),
                value,
                "field is immutable",
            ));
        }
    }
}

fn job(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    const COUNTS: &[&str] = &[
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
    ];
    let spec = &new["spec"];
    not_negative(spec, COUNTS, causes);
    pods::check("spec.template.spec", &spec["template"]["spec"], causes);
    let field = "spec.template.spec.restartPolicy";
    if spec["template"]["spec"]["restartPolicy"] == "Always" {
        let why = "valid values: \"OnFailure\", \"Never\"";
        causes.push(Cause::required_because(field, why));
    }
    own_selector(new, causes);
    if new["metadata"]["name"]
        .as_str()
        .is_some_and(|name| name.len() > 63)
    {
        let name = new["metadata"]["name"].clone();
        causes.push(Cause::invalid(
            "metadata.name",
            name,
            "must be no more than 63 characters",
        ));
    }
    immutable(
        old,
        new,
        &["selector", "template", "completionMode", "completions"],
        causes,
    );
}

/// The server makes a Job's selector itself.
fn own_selector(new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    let own = &new["metadata"]["uid"];
    let selected = &spec["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"];
    if spec["manualSelector"] != true && selected != own {
        let why = "`selector` not auto-generated";
        causes.push(Cause::invalid(
            "spec.selector",
            spec["selector"].clone(),
            why,
        ));
    }
}

/// Deployments and ReplicaSets.
fn workload(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    not_negative(
        spec,
        &["replicas", "minReadySeconds", "revisionHistoryLimit"],
        causes,
    );
    let wanted = spec["selector"]["matchLabels"].as_object();
    let labels = &spec["template"]["metadata"]["labels"];
    match wanted {
        None if spec["selector"]["matchExpressions"].is_null() => {
            causes.push(Cause::required("spec.selector"));
        }
        Some(wanted) if wanted.iter().any(|(key, value)| labels[key] != *value) => {
            let why = "`selector` does not match template `labels`";
            causes.push(Cause::invalid(
                "spec.template.metadata.labels",
                labels.clone(),
                why,
            ));
        }
        _ => {}
    }
    pods::check("spec.template.spec", &spec["template"]["spec"], causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if matches!(policy.as_str(), Some("Never" | "OnFailure")) {
        let field = "spec.template.spec.restartPolicy";
        causes.push(Cause::unsupported(field, policy.clone(), &["Always"]));
    }
    immutable(old, new, &["selector"], causes);
}

fn secret(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in new["data"].as_object().into_iter().flatten() {
        size += value.as_str().map_or(0, |text| text.len() / 4 * 3);
        if !syntax::is_config_key(key) {
            let field = format!("data[{key}]");
            causes.push(Cause::invalid(field, key.clone(), syntax::CONFIG_KEY));
        }
    }
    if size > 1024 * 1024 {
        causes.push(Cause::new("data", Fault::TooLong(1024 * 1024)));
    }
    let Some(old) = old else { return };
    if old["type"] != new["type"] {
        causes.push(Cause::invalid(
            "type",
            new["type"].clone(),
            "field is immutable",
        ));
    }
    if old["immutable"] == true && (old["data"] != new["data"] || new["immutable"] != true) {
        let why = "field is immutable when `immutable` is set";
        causes.push(Cause::new("data", Fault::Forbidden(why)));
    }
}

fn lease(spec: &Value, causes: &mut Vec<Cause>) {
    if let Some(value) = spec["leaseDurationSeconds"]
        .as_i64()
        .filter(|value| *value <= 0)
    {
        let why = "must be greater than 0";
        causes.push(Cause::invalid("spec.leaseDurationSeconds", value, why));
    }
    not_negative(spec, &["leaseTransitions"], causes);
}

fn application(kind: &Kind, new: &Value, causes: &mut Vec<Cause>) {
    for (field, value) in schema::wrong_types(kind, new) {
        let is = match value {
            Value::String(_) => "string",
            Value::Number(_) => "integer",
            Value::Array(_) => "array",
            _ => "object",
        };
        let why = format!("{field} in body must be of type boolean: \"{is}\"");
        causes.push(Cause::invalid(field, is, why));
    }
    if !new["spec"].is_object() {
        causes.push(Cause::required("spec"));
        return;
    }
    for field in ["destination", "project"] {
        if new["spec"][field].is_null() {
            causes.push(Cause::required(format!("spec.{field}")));
        }
    }
}
