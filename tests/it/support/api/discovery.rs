//! `/version`, discovery, and as much OpenAPI as kubectl wants to see before it writes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::store::kinds::{KINDS, Kind};
use super::Settings;

pub(super) fn document(path: &str, settings: &Settings) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Some(version(&settings.version)),
        ["healthz" | "livez" | "readyz"] => Some(json!("ok")),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()})),
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", group] => groups().into_iter().find(|one| one["name"] == *group),
        ["apis", group, version] => group_versions().contains(&(*group, *version)).then(|| resources(group, version)),
        ["openapi", "v3"] => Some(open_api_index()),
        ["openapi", "v3", "api", "v1"] => Some(open_api("", "v1")),
        ["openapi", "v3", "apis", group, version] => Some(open_api(group, version)),
        _ => None,
    }
}

fn version(git_version: &str) -> Value {
    let mut numbers = git_version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
    json!({
        "major": major, "minor": minor, "gitVersion": git_version, "gitCommit": "0000000",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24",
        "compiler": "gc", "platform": "linux/amd64",
    })
}

fn group_versions() -> BTreeSet<(&'static str, &'static str)> {
    let stored = KINDS.iter().map(|kind| (kind.group, kind.version));
    stored.chain([("authorization.k8s.io", "v1")]).filter(|(group, _)| !group.is_empty()).collect()
}

fn groups() -> Vec<Value> {
    let group = |(name, version): (&str, &str)| {
        let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
        json!({
            "kind": "APIGroup", "apiVersion": "v1", "name": name,
            "versions": [version], "preferredVersion": version,
        })
    };
    group_versions().into_iter().map(group).collect()
}

fn resources(group: &str, version: &str) -> Value {
    let mine = KINDS.iter().filter(|kind| kind.group == group && kind.version == version);
    let mut list: Vec<Value> = mine.flat_map(entries).collect();
    if group == "authorization.k8s.io" {
        list.push(json!({
            "name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview",
            "namespaced": false, "kind": "SelfSubjectAccessReview", "verbs": ["create"],
        }));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": group_version, "resources": list,
    })
}

fn entries(kind: &Kind) -> Vec<Value> {
    const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let mut own = json!({
        "name": kind.resource, "singularName": kind.kind.to_lowercase(),
        "namespaced": kind.namespaced, "kind": kind.kind, "verbs": VERBS,
    });
    if !kind.short.is_empty() {
        own["shortNames"] = json!([kind.short]);
    }
    let below = kind.subresources.iter().map(|sub| {
        let name = format!("{}/{sub}", kind.resource);
        let (kind_name, verbs) = match *sub {
            "scale" => ("Scale", vec!["get", "patch", "update"]),
            "exec" => ("PodExecOptions", vec!["create", "get"]),
            "log" => (kind.kind, vec!["get"]),
            _ => (kind.kind, vec!["get", "patch", "update"]),
        };
        let mut entry = json!({
            "name": name, "singularName": "", "namespaced": kind.namespaced,
            "kind": kind_name, "verbs": verbs,
        });
        if *sub == "scale" {
            entry["group"] = "autoscaling".into();
            entry["version"] = "v1".into();
        }
        entry
    });
    std::iter::once(own).chain(below).collect()
}

fn open_api_index() -> Value {
    let mut paths = Map::new();
    let mut add = |path: String| {
        let url = format!("/openapi/v3/{path}?hash=0");
        paths.insert(path, json!({"serverRelativeURL": url}));
    };
    add("api/v1".to_owned());
    for (group, version) in group_versions() {
        add(format!("apis/{group}/{version}"));
    }
    json!({"paths": paths})
}

/// Without schemas: only that a PATCH of each kind takes `fieldValidation` and `dryRun`.
fn open_api(group: &str, version: &str) -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let parameters = json!([parameter("fieldValidation"), parameter("dryRun")]);
    let mut paths = Map::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.version == version) {
        let base = if group.is_empty() { "/api".to_owned() } else { format!("/apis/{group}") };
        let within = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
        let path = format!("{base}/{version}/{within}{}/{{name}}", kind.resource);
        let id = json!({"group": group, "version": version, "kind": kind.kind});
        let patch = json!({
            "parameters": parameters, "x-kubernetes-group-version-kind": id,
            "x-kubernetes-action": "patch", "responses": {},
        });
        paths.insert(path, json!({"patch": patch}));
    }
    json!({"openapi": "3.0.0", "info": {"title": "lab", "version": version}, "paths": paths})
}
