//! What fields there are: unknown ones are pruned, and told as `fieldValidation` asks.
//!
//! For the built-in kinds the types of `k8s-openapi` are the schema: what does not survive a round
//! trip is not a field. Argo CD's Application has a tree of names of its own.

use k8s_openapi::api::{apps, autoscaling, batch, coordination, core, networking, rbac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::store::Status;
use super::super::store::kinds::Kind;
use super::Settings;

/// An object without its unknown fields, and the paths of those.
pub(super) struct Decoded {
    pub(super) object: Value,
    pub(super) unknown: Vec<String>,
}

impl Decoded {
    /// As the server lists them: `unknown field "spec.x"`.
    pub(super) fn faults(&self) -> Vec<String> {
        self.unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect()
    }
}

/// Err: a value is not of its field's type; the words are the decoder's.
pub(super) fn decode(kind: &Kind, object: &Value, settings: &Settings) -> Result<Decoded, String> {
    let known = match kind.kind {
        "Application" => prune(object, &application(settings)),
        _ => round_trip(kind, object)?,
    };
    let mut unknown = Vec::new();
    compare(object, &known, "", &mut unknown);
    Ok(Decoded { object: known, unknown })
}

fn round_trip(kind: &Kind, object: &Value) -> Result<Value, String> {
    match kind.kind {
        "Namespace" => typed::<core::v1::Namespace>(object),
        "Node" => typed::<core::v1::Node>(object),
        "Pod" => typed::<core::v1::Pod>(object),
        "Secret" => typed::<core::v1::Secret>(object),
        "ConfigMap" => typed::<core::v1::ConfigMap>(object),
        "PersistentVolumeClaim" => typed::<core::v1::PersistentVolumeClaim>(object),
        "Event" => typed::<core::v1::Event>(object),
        "Service" => typed::<core::v1::Service>(object),
        "ServiceAccount" => typed::<core::v1::ServiceAccount>(object),
        "Deployment" => typed::<apps::v1::Deployment>(object),
        "ReplicaSet" => typed::<apps::v1::ReplicaSet>(object),
        "Job" => typed::<batch::v1::Job>(object),
        "LimitRange" => typed::<core::v1::LimitRange>(object),
        "Role" => typed::<rbac::v1::Role>(object),
        "RoleBinding" => typed::<rbac::v1::RoleBinding>(object),
        "CronJob" => typed::<batch::v1::CronJob>(object),
        "NetworkPolicy" => typed::<networking::v1::NetworkPolicy>(object),
        "Lease" => typed::<coordination::v1::Lease>(object),
        "HorizontalPodAutoscaler" => typed::<autoscaling::v2::HorizontalPodAutoscaler>(object),
        _ => Ok(object.clone()),
    }
}

fn typed<T: Serialize + DeserializeOwned>(object: &Value) -> Result<Value, String> {
    let value: T = serde_json::from_value(object.clone()).map_err(|why| why.to_string())?;
    serde_json::to_value(value).map_err(|why| why.to_string())
}

/// Notes every path of `given` that `known` has lost.
fn compare(given: &Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            for (field, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                match known.get(field) {
                    Some(known) => compare(value, known, &path, unknown),
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (at, (given, known)) in given.iter().zip(known).enumerate() {
                compare(given, known, &format!("{path}[{at}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Names of fields; an empty node keeps all that is below it.
struct Tree(Vec<(&'static str, Tree)>);

fn prune(object: &Value, tree: &Tree) -> Value {
    match object {
        Value::Object(fields) if !tree.0.is_empty() => {
            let mut kept = Map::new();
            for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                if let Some((_, below)) = tree.0.iter().find(|(name, _)| name == field) {
                    kept.insert(field.clone(), prune(value, below));
                }
            }
            kept.into()
        }
        Value::Array(list) => list.iter().map(|one| prune(one, tree)).collect(),
        other => other.clone(),
    }
}

fn all(names: &[&'static str]) -> Tree {
    Tree(names.iter().map(|name| (*name, Tree(Vec::new()))).collect())
}

fn application(settings: &Settings) -> Tree {
    let mut automated = all(&["allowEmpty", "prune", "selfHeal"]);
    if settings.knows_automated_enabled {
        automated.0.push(("enabled", Tree(Vec::new())));
    }
    let mut policy = all(&["managedNamespaceMetadata", "retry", "syncOptions"]);
    policy.0.push(("automated", automated));
    let mut spec = all(&["ignoreDifferences", "info", "project", "revisionHistoryLimit"]);
    spec.0.push(("destination", all(&["name", "namespace", "server"])));
    spec.0.push(("source", source()));
    spec.0.push(("sources", source()));
    spec.0.push(("syncPolicy", policy));
    let mut top = all(&["apiVersion", "kind", "metadata", "operation", "status"]);
    top.0.push(("spec", spec));
    top
}

fn source() -> Tree {
    all(&["chart", "directory", "helm", "kustomize", "name", "path", "plugin", "ref", "repoURL", "targetRevision"])
}

/// A custom resource is checked against its types after decoding: 422, not 400.
pub(super) fn wrong_types(kind: &Kind, object: &Value) -> Vec<(String, Value)> {
    if kind.kind != "Application" {
        return Vec::new();
    }
    let automated = &object["spec"]["syncPolicy"]["automated"];
    let fields = ["allowEmpty", "enabled", "prune", "selfHeal"].into_iter();
    fields
        .filter(|field| !matches!(automated[*field], Value::Null | Value::Bool(_)))
        .map(|field| (format!("spec.syncPolicy.automated.{field}"), automated[field].clone()))
        .collect()
}

pub(super) fn refuse(kind: &Kind, why: &str) -> Status {
    let (name, version) = (kind.kind, kind.version);
    let message = format!("{name} in version \"{version}\" cannot be handled as a {name}: {why}");
    Status::bad_request(message)
}
