//! The undo journal, which lies in a Lease that others can write: what cannot be read is refused in a sentence and left where it is, and
//! nothing that it asks for is left out.

use super::bent;
use crate::support::api::{Api, Runtime, Settings};
use crate::support::store::Store;
use proptest::prelude::*;
use sandbox_lifecycle::undo::Undo;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const NAMESPACE: &str = "erp-sandbox";
const JOURNAL: &str = r#"[{"undo":"resume-automated-sync","namespace":"argocd","application":"a","automated":{"prune":true}},
    {"undo":"scale-to","namespace":"erp-sandbox","deployment":"d","replicas":1,"down-at":"7"},{"undo":"delete-secret","namespace":"erp-sandbox","name":"s"}]"#;

fn read(text: &str) -> Option<Vec<Undo>> {
    Undo::journal(Some(text), NAMESPACE).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn a_journal_is_read_with_all_that_it_asks_for_or_not_at_all(text in prop_oneof![
        bent(JOURNAL.as_bytes()).prop_map(|text| String::from_utf8_lossy(&text).into_owned()),
        "[\\[\\]{}\",:0-9a-z \\\\-]{0,60}",
        any::<String>(),
    ]) {
        if let Some(journal) = read(&text) {
            let asked: Vec<Value> = serde_json::from_str(&text).expect("a list");
            prop_assert_eq!(asked.len(), journal.len());
            let again = serde_json::to_string(&journal).expect("JSON");
            prop_assert_eq!(read(&again), Some(journal));
        }
    }
}

/// None of these is a journal of a run that had this Lease.
fn unreadable() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "null",
        "{}",
        "0",
        "\"[]\"",
        "[",
        "[] []",
        "[null]",
        "[[]]",
        "[{}]",
        "\u{0}",
        "\u{feff}[]",
        r#"[{"undo":"unheard-of"}]"#,
        r#"[{"undo":"scale-to","namespace":"erp-sandbox","deployment":"erp-sandbox"}]"#,
        r#"[{"undo":"scale-to","namespace":"erp-sandbox","deployment":"erp-sandbox","replicas":1e99}]"#,
        r#"[{"undo":"scale-to","namespace":"erp-sandbox","deployment":"erp-sandbox","replicas":1},"#,
        r#"[{"undo":"scale-to","namespace":"erp-sandbox","namespace":"erp","deployment":"erp","replicas":0}]"#,
    ]
    .map(str::to_owned)
    .into();
    texts.push("[".repeat(10_000));
    texts.extend(
        [
            r#"[{"undo":"scale-to","namespace":"erp","deployment":"erp","replicas":0}]"#,
            r#"[{"undo":"delete-secret","namespace":"erp","name":"vso-db-credentials"}]"#,
            r#"[{"undo":"delete-job","namespace":"erp","name":"nightly"}]"#,
            r#"[{"undo":"remove-golden","namespace":"erp"}]"#,
        ]
        .map(str::to_owned),
    );
    texts
}

/// A command of the real binary, with this cluster.
fn run(kubeconfig: &Path, command: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"))
        .arg(command)
        .env_clear()
        .envs([("USER", "tester"), ("SANDBOX_LIFECYCLE_PG_HOST", "127.0.0.1")])
        .env("KUBECONFIG", kubeconfig)
        .output()
        .expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_none_is_refused_and_nothing_is_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::new();
    for namespace in ["erp", NAMESPACE, "argocd"] {
        store.create("namespaces", json!({"metadata": {"name": namespace}})).expect("a namespace");
    }
    let api = Api::start(store.clone(), Runtime::absent(), Settings::default()).await.expect("a loopback port");
    let kubeconfig = directory.path().join("kubeconfig");
    api.write_kubeconfig(&kubeconfig, "default").expect("a kubeconfig");
    for text in unreadable() {
        // Left to whoever recovers: nobody is waited for.
        let lease = json!({
            "metadata": {"name": "sandbox-lifecycle", "namespace": NAMESPACE, "annotations": {"sandbox-lifecycle/journal": text}},
            "spec": {"holderIdentity": "somebody@elsewhere/7/cafe", "leaseDurationSeconds": 30},
        });
        store.create("leases", lease).expect("a Lease");
        api.record.clear();
        // For status it is the Deployment, which is not there, that makes it an error.
        for (command, code) in [("recover", 1), ("refresh", 1), ("status", 1)] {
            let (ended, said) = run(&kubeconfig, command);
            assert_eq!(ended, Some(code), "{command} with {text:?}: {said}");
            assert!(said.contains("cannot read the journal in the Lease"), "{command} with {text:?}: {said}");
            assert!(!said.contains("nothing to put back") && !said.contains("panicked"), "{command}: {said}");
        }
        assert_eq!(api.record.writes(), [""; 0], "{text:?}");
        let left = store.get("leases", NAMESPACE, "sandbox-lifecycle").expect("it is still there");
        assert_eq!(left["metadata"]["annotations"]["sandbox-lifecycle/journal"], text);
        let now = crate::support::store::DeleteOptions::now();
        store.delete("leases", NAMESPACE, "sandbox-lifecycle", now).expect("deleted");
    }
}
