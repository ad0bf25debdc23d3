//! What the API server is told to run for the golden volume: hardened as the Job of a refresh is, with the sandbox's credentials alone.

use super::world::warm;
use crate::support::postgres::{PRODUCTION, SANDBOX as ACCESS};
use crate::support::sandbox::{SANDBOX, Sandbox};
use serde_json::{Value, json};

/// In every name of production's that the golden Pod is not to know.
const OTHER: &str = "not-for-the-pod";

/// The Pod's spec in the last of these that the API server has received.
fn received(lab: &Sandbox, line: &str) -> Value {
    let seen = lab.api.record.all().into_iter().rfind(|seen| seen.line() == line);
    seen.unwrap_or_else(|| panic!("no {line}")).body["spec"]["template"]["spec"].clone()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().filter_map(|list| pod[list].as_array()).flatten()
}

fn assert_hardened(pod: &Value) {
    let security = &pod["securityContext"];
    assert_eq!(security["runAsNonRoot"], true, "{pod:#}");
    assert!(security["runAsUser"].as_u64() > Some(0), "{pod:#}");
    assert_eq!(security["seccompProfile"], json!({"type": "RuntimeDefault"}), "{pod:#}");
    assert_eq!(pod["automountServiceAccountToken"], false, "{pod:#}");
    for shared in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "serviceAccountName"] {
        assert_eq!(pod[shared], Value::Null, "{shared}: {pod:#}");
    }
    assert!(containers(pod).count() > 0, "{pod:#}");
    for container in containers(pod) {
        // Nothing beside these three, such as `privileged` or another user.
        let confined = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
        assert_eq!(container["securityContext"], confined, "{pod:#}");
        for kind in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                assert!(container["resources"][kind][resource].is_string(), "{kind} of {resource}: {pod:#}");
            }
        }
    }
}

/// Whatever stands under a key that has to do with Secrets, wherever it is.
fn secrets(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let named = |key: &str| key.to_lowercase().contains("secret");
            let found = fields.iter().flat_map(|(key, below)| match named(key) {
                true => vec![below.clone()],
                false => secrets(below),
            });
            found.collect()
        }
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}

fn assert_the_sandbox_s_alone(pod: &Value, secret: &str) {
    let found = secrets(pod);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["secretName"], secret, "{found:?}");
    let text = pod.to_string();
    for word in [OTHER, PRODUCTION.user, ACCESS.user, "prod-s3cret", "sandbox-s3cret"] {
        assert!(!text.contains(word), "{word}: {pod:#}");
    }
    assert!(containers(pod).all(|container| container["envFrom"].is_null()), "{pod:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_golden_pod_is_hardened_as_a_refresh_s_and_has_the_sandbox_s_credentials_and_no_others() {
    let lab = warm().await;
    let mut own = lab.store.get("secrets", SANDBOX, "vso-db-credentials").expect("the Secret");
    own["metadata"] = json!({"name": "the-sandbox-s-own", "namespace": SANDBOX});
    lab.create("secrets", own);
    let names = ["namespace", "deployment", "database", "secret"];
    let names = names.map(|what| format!("--prod-{what}={OTHER}-{what}"));
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["--sandbox-secret=the-sandbox-s-own"]).collect();
    let run = async |arguments: &[&str]| lab.quick(&[arguments, &names].concat()).await.assert_code(0);
    run(&["checkpoint", "--warm"]).await;
    run(&["checkpoint", "cool"]).await;
    run(&["reset"]).await;
    for line in ["create deployments", "create jobs"] {
        let pod = received(&lab, line);
        assert_hardened(&pod);
        assert_the_sandbox_s_alone(&pod, "the-sandbox-s-own");
    }
    // The model of it.
    lab.quick(&["refresh-from-prod"]).await.assert_code(0);
    let pod = received(&lab, "create jobs");
    assert!(pod["initContainers"].is_array(), "{pod:#}");
    assert_hardened(&pod);
}
