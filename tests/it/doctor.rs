//! `doctor`: each thing that is wrong gives its line and its fix, and nothing is changed.

use crate::support::container::image;
use crate::support::postgres::Production;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox};
use serde_json::{Value, json};

mod bucket;
mod cluster;
mod databases;
mod places;

/// With few tables and both trees.
async fn small() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    for namespace in [PROD, SANDBOX] {
        std::fs::create_dir(lab.documents(namespace).join("mycompany")).expect("a tree");
    }
    lab
}

/// What the doctor says of this check: its lines with their state.
async fn says(lab: &Sandbox, arguments: &[&str], check: &str) -> Vec<(String, String)> {
    let ran = lab.run(&[&["--output", "json", "doctor"], arguments].concat()).await;
    let document = ran.json();
    let failed = document["checks"].as_array().expect("a list").iter().any(|one| one["state"] == "failed");
    assert_eq!((ran.code, document["ok"] == true), (i32::from(failed), !failed), "{ran:?}");
    let all = document["checks"].as_array().expect("a list").iter().filter(|one| one["check"] == check);
    all.map(|one| (one["state"].as_str().expect("a state").to_owned(), format!("{} fix: {}", one["says"], one["fix"])))
        .collect()
}

/// It has a line of this state with all these words; what is wrong always has a fix.
async fn assert_line(lab: &Sandbox, arguments: &[&str], check: &str, state: &str, words: &[&str]) {
    let lines = says(lab, arguments, check).await;
    let found = lines.iter().any(|(is, line)| is == state && words.iter().all(|word| line.contains(word)));
    assert!(found, "{check} {state} {words:?} is not in {lines:#?}");
    let without = lines.iter().find(|(is, line)| is == "failed" && line.ends_with("fix: null"));
    assert_eq!(without, None, "what failed has a fix");
}

async fn assert_well(lab: &Sandbox) -> Ran {
    let ran = lab.run(&["doctor"]).await.assert_code(0);
    let odd: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert_eq!(odd, Vec::<&str>::new(), "{}", ran.stdout);
    ran
}

fn set_spec(lab: &Sandbox, resource: &str, name: &str, spec: Value) {
    lab.create(resource, json!({"metadata": {"name": name, "namespace": SANDBOX}, "spec": spec}));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_every_line_says_so_and_nothing_is_changed() {
    let lab = small().await;
    let before = lab.world();
    lab.api.record.clear();
    let ran = assert_well(&lab).await;
    for check in
        ["API server", "rights", "Deployment", "Argo CD", "Secret", "image", "quotas", "documents", "space", "Lease"]
    {
        assert!(ran.stdout.contains(check), "{check} is not in\n{}", ran.stdout);
    }
    let ran = ran.assert_says("Kubernetes v1.33.4 at http://127.0.0.1:").assert_says("paused by automated.enabled");
    ran.assert_says("erp/vso-db-credentials: last written");
    let writes = lab.api.record.writes();
    assert!(writes.iter().all(|line| line.contains("pods/exec")), "it only looks: {writes:?}");
    assert_eq!(lab.world(), before);
    // Only what the command needs is looked at.
    assert!(says(&lab, &["sync-documents"], "Argo CD").await.is_empty());
    assert!(says(&lab, &["refresh-from-prod"], "documents").await.is_empty());
    lab.run(&["doctor", "nonsense"]).await.assert_code(2);
}
