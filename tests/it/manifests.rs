//! What `manifests` prints: taken by an API server that is strict about every field, and true.

use crate::support::postgres::{PRODUCTION, PostgresServer, Production};
use crate::support::sandbox::{SANDBOX, Sandbox};
use serde_json::Value;

mod nightly;
mod rbac;
mod vault;

/// The documents of a YAML stream.
fn parse(yaml: &str) -> Vec<Value> {
    let documents = serde_saphyr::from_multiple(yaml);
    documents.unwrap_or_else(|error| panic!("{error}:\n{yaml}"))
}

async fn printed(lab: &Sandbox, arguments: &[&str]) -> String {
    lab.run(&[&["manifests"], arguments].concat()).await.assert_code(0).stdout
}

/// As `kubectl apply` does it: each by its kind, and no field that the server does not know.
async fn apply(lab: &Sandbox, yaml: &str) {
    // Nothing else may have chosen one in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    for object in parse(yaml) {
        let kind = crate::support::store::kinds::KINDS.iter().find(|kind| object["kind"] == kind.kind);
        let kind = kind.unwrap_or_else(|| panic!("{object}"));
        assert_eq!(object["apiVersion"], kind.api_version());
        let base = if kind.group.is_empty() { "api" } else { "apis" };
        let namespace = object["metadata"]["namespace"].as_str().expect("each has a namespace");
        let url = format!(
            "{}/{base}/{}/namespaces/{namespace}/{}?fieldValidation=Strict",
            lab.api.url(),
            kind.api_version(),
            kind.resource
        );
        let request = client.post(&url).header("Content-Type", "application/json").body(object.to_string());
        let answer = request.send().await.expect("an answer");
        let (code, text) = (answer.status(), answer.text().await.expect("its text"));
        assert!(code.is_success(), "{code}: {text}\n{object:#}");
    }
}

async fn small() -> Sandbox {
    Sandbox::with(&Production::Small, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_taken_by_a_strict_server() {
    let lab = small().await;
    for arguments in [
        &["rbac"][..],
        &["cronjob", "--image", "registry.example/sandbox-lifecycle:1"],
        &["golden"],
        &["vault"],
        &["networkpolicy"],
        &["cronjob", "backup", "--image", "registry.example/sandbox-lifecycle:1", "--s3-secret", "bucket-key"],
    ] {
        apply(&lab, &printed(&lab, arguments).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cronjob_is_hardened_and_carries_the_settings() {
    let lab = small().await;
    let arguments =
        ["cronjob", "--image", "i:1", "--documents-tree", "a,b", "--sandbox-role", "it's: \"odd\"", "--context", "x"];
    let job = parse(&printed(&lab, &arguments).await).remove(0);
    assert_eq!((&job["metadata"]["namespace"], &job["spec"]["concurrencyPolicy"]), (&SANDBOX.into(), &"Forbid".into()));
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(
        (&pod["serviceAccountName"], &pod["securityContext"]["runAsNonRoot"]),
        (&"sandbox-lifecycle".into(), &true.into())
    );
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    let environment = container["env"].as_array().expect("a list");
    let of = |name: &str| environment.iter().find(|one| one["name"] == name).map(|one| one["value"].clone());
    assert_eq!(of("SANDBOX_LIFECYCLE_DOCUMENTS_TREE"), Some("a,b".into()));
    assert_eq!(of("SANDBOX_LIFECYCLE_SANDBOX_ROLE"), Some("it's: \"odd\"".into()));
    assert_eq!(of("SANDBOX_LIFECYCLE_PG_PORT"), Some(lab.postgres.port().to_string().into()));
    assert_eq!((of("SANDBOX_LIFECYCLE_CONTEXT"), of("SANDBOX_LIFECYCLE_PROD_NAMESPACE")), (None, None));
    let all = printed(&lab, &arguments).await;
    assert!(!all.contains(PRODUCTION.password));
    lab.run(&["manifests", "cronjob"]).await.assert_code(2).assert_says("give --image");
    // What it runs is what can be typed.
    let command = container["command"].as_array().expect("a list").iter().skip(1);
    let mut command: Vec<&str> = command.filter_map(Value::as_str).collect();
    command.insert(0, "--dry-run");
    lab.run(&command).await.assert_says("Start the Job");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_selects_the_database_jobs_and_not_the_watchdog() {
    let lab = small().await;
    let policy = parse(&printed(&lab, &["networkpolicy"]).await).remove(0);
    let expressions = policy["spec"]["podSelector"]["matchExpressions"].as_array().expect("a list").clone();
    let managed = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/managed-by"].clone();
    let selects = |labels: &Value| {
        let ours = labels.get("app.kubernetes.io/managed-by") == Some(&managed);
        ours && expressions.iter().all(|one| {
            let there = labels.get(one["key"].as_str().expect("a key")).is_some();
            there == (one["operator"] == "Exists")
        })
    };
    lab.kubelet.config().images.with(
        "registry.example/watchdog:1",
        crate::support::container::image::POSTGRES,
        &[("sandbox-lifecycle", "sleep 600")],
    );
    let few = ["--min-tables", "10", "refresh-from-prod", "--watchdog", "registry.example/watchdog:1"];
    lab.run(&few).await.assert_code(0);
    let created = lab.api.record.all().into_iter().filter(|seen| seen.line() == "create jobs");
    let mut jobs = 0;
    for seen in created {
        let labels = &seen.body["spec"]["template"]["metadata"]["labels"];
        let watchdog = seen.body["metadata"]["name"].as_str().is_some_and(|name| name.contains("watchdog"));
        assert_eq!(selects(labels), !watchdog, "{labels}");
        jobs += 1;
    }
    assert_eq!(jobs, 2);
    assert_eq!(policy["spec"]["ingress"], serde_json::json!([]));
    let application = lab.store.get("deployments", SANDBOX, SANDBOX).expect("the Deployment");
    assert!(!selects(&application["spec"]["template"]["metadata"]["labels"]), "the application is left alone");
}

/// What a server of this test's own says.
fn server() -> PostgresServer {
    PostgresServer::with(&Production::Small, &[])
}
