//! A Pod's spec, alone or as a template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::super::store::{Cause, Fault};
use super::syntax;

pub(super) fn check(at: &str, spec: &Value, causes: &mut Vec<Cause>) {
    if list(spec, "containers").is_empty() {
        causes.push(Cause::required(format!("{at}.containers")));
    }
    let volumes = volumes(at, spec, causes);
    let mut names = BTreeSet::new();
    for kind in ["initContainers", "containers"] {
        for (number, container) in list(spec, kind).iter().enumerate() {
            let at = format!("{at}.{kind}[{number}]");
            name(&at, container, &mut names, causes);
            self::container(&at, container, &volumes, causes);
        }
    }
    let policy = spec["restartPolicy"].clone();
    if !matches!(policy.as_str(), Some("Always" | "OnFailure" | "Never")) {
        let known = &["Always", "OnFailure", "Never"];
        causes.push(Cause::unsupported(format!("{at}.restartPolicy"), policy, known));
    }
    for field in ["activeDeadlineSeconds", "terminationGracePeriodSeconds"] {
        if let Some(value) = spec[field].as_i64().filter(|value| *value < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(format!("{at}.{field}"), value, why));
        }
    }
}

fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}

fn name(at: &str, object: &Value, names: &mut BTreeSet<String>, causes: &mut Vec<Cause>) {
    let field = format!("{at}.name");
    let name = object["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        causes.push(Cause::required(field));
    } else if !syntax::is_label(name) {
        causes.push(Cause::invalid(field, name, syntax::LABEL));
    } else if !names.insert(name.to_owned()) {
        causes.push(Cause::new(field, Fault::Duplicate(name.into())));
    }
}

fn volumes(at: &str, spec: &Value, causes: &mut Vec<Cause>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (number, volume) in list(spec, "volumes").iter().enumerate() {
        let at = format!("{at}.volumes[{number}]");
        name(&at, volume, &mut names, causes);
        let sources = volume.as_object().map_or(0, |fields| fields.len().saturating_sub(1));
        match sources {
            0 => causes.push(Cause::required_because(at, "must specify a volume type")),
            1 => {}
            _ => {
                let why = "may not specify more than 1 volume type";
                causes.push(Cause::new(at, Fault::Forbidden(why)));
            }
        }
    }
    names
}

fn container(at: &str, container: &Value, volumes: &BTreeSet<String>, causes: &mut Vec<Cause>) {
    let image = container["image"].as_str().unwrap_or_default();
    if image.is_empty() {
        causes.push(Cause::required(format!("{at}.image")));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(format!("{at}.image"), image, why));
    }
    for (number, mount) in list(container, "volumeMounts").iter().enumerate() {
        let at = format!("{at}.volumeMounts[{number}]");
        let name = mount["name"].as_str().unwrap_or_default();
        if !volumes.contains(name) {
            causes.push(Cause::new(format!("{at}.name"), Fault::NotFound(name.into())));
        }
        if mount["mountPath"].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath")));
        }
    }
    environment(at, container, causes);
    resources(at, &container["resources"], causes);
}

fn environment(at: &str, container: &Value, causes: &mut Vec<Cause>) {
    for (number, variable) in list(container, "env").iter().enumerate() {
        let at = format!("{at}.env[{number}]");
        let name = variable["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name")));
        } else if name.contains('=') {
            let why =
                "a valid environment variable name must consist only of printable ASCII characters other than '='";
            causes.push(Cause::invalid(format!("{at}.name"), name, why));
        }
        let from = variable["valueFrom"].as_object();
        if from.is_some() && !variable["value"].as_str().unwrap_or_default().is_empty() {
            let why = "may not be specified when `value` is not empty";
            causes.push(Cause::invalid(format!("{at}.valueFrom"), "", why));
        }
        if let Some(from) = from.filter(|from| from.len() != 1) {
            let why = if from.is_empty() {
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            } else {
                "may not have more than one field specified at a time"
            };
            causes.push(Cause::invalid(format!("{at}.valueFrom"), "", why));
        }
    }
}

fn resources(at: &str, resources: &Value, causes: &mut Vec<Cause>) {
    for part in ["requests", "limits"] {
        for (name, amount) in resources[part].as_object().into_iter().flatten() {
            let text = amount.as_str().unwrap_or_default();
            if syntax::quantity(text).is_none() {
                let why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                causes.push(Cause::invalid(format!("{at}.resources.{part}[{name}]"), text, why));
            }
        }
    }
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let amount = |value: &Value| value.as_str().and_then(syntax::quantity);
        let (Some(request_amount), Some(limit)) = (amount(request), amount(&resources["limits"][name])) else {
            continue;
        };
        if request_amount > limit {
            let text = resources["limits"][name].as_str().unwrap_or_default();
            let why = format!("must be less than or equal to {name} limit of {text}");
            let field = format!("{at}.resources.requests");
            causes.push(Cause::invalid(field, request.clone(), why));
        }
    }
}

/// A Pod that exists keeps nearly all of its spec.
pub(super) fn check_update(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if fixed(old) != fixed(new) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`, \
             `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` \
             (only additions to existing tolerations), `spec.terminationGracePeriodSeconds` \
             (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::new("spec", Fault::Forbidden(why)));
    }
}

fn fixed(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for field in ["activeDeadlineSeconds", "tolerations"] {
        spec[field] = Value::Null;
    }
    for kind in ["containers", "initContainers"] {
        for container in spec[kind].as_array_mut().into_iter().flatten() {
            container["image"] = Value::Null;
        }
    }
    spec
}
