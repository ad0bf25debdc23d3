//! A ServiceAccount with the Roles of the README, taken from its text: what users are told is what is tested.

use super::kubectl::Kubectl;
use crate::support::sandbox::SANDBOX;
use serde_json::{Value, json};
use std::process::Command;

const README: &str = include_str!("../../../README.md");
const ACCOUNT: &str = "sandbox-lifecycle";

/// The first block of code in this language in the README's chapter on rights.
fn block(language: &str) -> &'static str {
    let chapter = README.split("\n## Rights\n").nth(1).expect("the README has a chapter on rights");
    let block = chapter.split(&format!("```{language}\n")).nth(1).expect("it has such a block");
    block.split("```").next().expect("and its end")
}

/// Follows the README, and gives the kubeconfig that the ServiceAccount would use.
pub(super) fn grant(kubectl: &Kubectl) -> String {
    kubectl.feed(&["apply", "-f", "-"], block("yaml"));
    let bound = Command::new("sh").args(["-euc", block("sh")]).env("KUBECONFIG", kubectl.kubeconfig()).output();
    let bound = bound.expect("sh runs");
    assert!(bound.status.success(), "the README's role bindings: {bound:?}");
    with_user(kubectl, &json!({"token": token(kubectl, None)})).to_string()
}

/// A token of the account for an hour; bound to an object, it ends with it.
pub(super) fn token(kubectl: &Kubectl, bound_to: Option<Value>) -> String {
    // By the API itself: `kubectl create token` came with 1.24 only.
    let path = format!("/api/v1/namespaces/{SANDBOX}/serviceaccounts/{ACCOUNT}/token");
    let mut request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [], "expirationSeconds": 3600}});
    if let Some(object) = bound_to {
        request["spec"]["boundObjectRef"] = object;
    }
    let answer = kubectl.feed(&["create", "--raw", &path, "-f", "-"], &request.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("the API server answers in JSON");
    answer["status"]["token"].as_str().expect("a token").to_owned()
}

/// The cluster's kubeconfig with another user; JSON is YAML.
pub(super) fn with_user(kubectl: &Kubectl, user: &Value) -> Value {
    let text = kubectl.run(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]);
    let mut config: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    config["users"][0]["user"] = user.clone();
    config
}
