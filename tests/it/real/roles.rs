//! A ServiceAccount with the Roles of the README: what users are told is what every case runs with.

use super::kubectl::Kubectl;
use crate::support::readme::{self, Rule};
use crate::support::sandbox::{PROD, SANDBOX};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ACCOUNT: &str = "sandbox-lifecycle";
/// How late an authorizer may be.
const LATE: Duration = Duration::from_secs(60);

/// Follows the README, and gives the kubeconfig that the ServiceAccount would use.
pub(crate) fn grant(kubectl: &Kubectl) -> String {
    kubectl.feed(&["apply", "-f", "-"], readme::rights("yaml"));
    with_user(kubectl, &json!({"token": token(kubectl, None)})).to_string()
}

/// A token of the account for an hour; bound to an object, it ends with it.
pub(crate) fn token(kubectl: &Kubectl, bound_to: Option<Value>) -> String {
    // By the API itself: `kubectl create token` came with 1.24 only.
    let path = format!("/api/v1/namespaces/{SANDBOX}/serviceaccounts/{ACCOUNT}/token");
    let mut request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [], "expirationSeconds": 3600},
    });
    if let Some(object) = bound_to {
        request["spec"]["boundObjectRef"] = object;
    }
    let answer = kubectl.feed(&["create", "--raw", &path, "-f", "-"], &request.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("the API server answers in JSON");
    answer["status"]["token"].as_str().expect("a token").to_owned()
}

/// The cluster's kubeconfig with another user; JSON is YAML.
pub(crate) fn with_user(kubectl: &Kubectl, user: &Value) -> Value {
    let text = kubectl.run(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]);
    let mut config: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    config["users"][0]["user"] = user.clone();
    config
}

/// Makes these rules the Roles, and waits until the API server goes by them.
pub(crate) fn replace(kubectl: &Kubectl, rules: &[Rule]) {
    let roles = [PROD, SANDBOX, "argocd"].map(|namespace| {
        let own = rules.iter().filter(|rule| rule.namespace == namespace && !rule.verbs.is_empty());
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"namespace": namespace, "name": name(namespace)},
            "rules": own.map(as_rule).collect::<Vec<_>>(),
        })
    });
    kubectl.put("replace", &roles);
    for wanted in readme::rules() {
        for verb in &wanted.verbs {
            let allowed = |rule: &Rule| {
                Rule { verbs: vec![], ..rule.clone() } == Rule { verbs: vec![], ..wanted.clone() }
                    && rule.verbs.contains(verb)
            };
            if !rules.iter().any(allowed) {
                until_it_may_not(kubectl, &wanted, verb);
            }
        }
    }
}

/// As the README has it.
fn name(namespace: &str) -> String {
    if namespace == SANDBOX { ACCOUNT.to_owned() } else { format!("{ACCOUNT}-{SANDBOX}") }
}

fn as_rule(rule: &Rule) -> Value {
    let names: Vec<&String> = rule.name.iter().collect();
    json!({"apiGroups": [rule.group], "resources": [rule.resource], "resourceNames": names, "verbs": rule.verbs})
}

/// The authorizer watches the Roles: it is late by a moment.
fn until_it_may_not(kubectl: &Kubectl, rule: &Rule, verb: &str) {
    let (resource, subresource) = rule.resource.split_once('/').unwrap_or((&rule.resource, ""));
    let resource = if rule.group.is_empty() { resource.to_owned() } else { format!("{resource}.{}", rule.group) };
    let what = rule.name.as_ref().map_or(resource.clone(), |name| format!("{resource}/{name}"));
    let account = format!("system:serviceaccount:{SANDBOX}:{ACCOUNT}");
    let question =
        ["-n", &rule.namespace, "auth", "can-i", verb, &what, "--subresource", subresource, "--as", &account];
    let begun = Instant::now();
    // `can-i` ends with 1 when the answer is no.
    while kubectl.try_run(&question).is_ok() {
        assert!(begun.elapsed() < LATE, "it still may {verb} {what} in {}", rule.namespace);
    }
}
