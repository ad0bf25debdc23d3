//! `status`, and the record that it reads: what a sandbox is, and what has drifted.

use crate::support::api::{Fault, Gate, Right, Rule};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::postgres::Production;
use crate::support::readme;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox};
use crate::support::scene::Scene;
use serde_json::{Value, json};

/// The fixture with few tables.
async fn small() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    std::fs::create_dir(lab.documents(PROD).join("mycompany")).expect("a tree");
    std::fs::write(lab.documents(PROD).join("mycompany/one"), "1").expect("a file");
    lab
}

async fn refresh(lab: &Sandbox, arguments: &[&str]) -> Ran {
    let few = [&["--min-tables", "10", "--output", "json"], arguments].concat();
    lab.run(&few).await
}

async fn status(lab: &Sandbox) -> Value {
    lab.run(&["--output", "json", "status"]).await.assert_code(0).json()
}

fn record(lab: &Sandbox) -> Value {
    let map = lab.store.get("configmaps", SANDBOX, "sandbox-lifecycle").expect("a record");
    serde_json::from_str(map["data"]["record"].as_str().expect("its text")).expect("JSON")
}

/// Sets when the data was read.
fn read_at(lab: &Sandbox, at: &str) {
    lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| {
        let mut record: Value = serde_json::from_str(map["data"]["record"].as_str().expect("its text")).expect("JSON");
        record["data_read_at"] = at.into();
        map["data"]["record"] = record.to_string().into();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_recorded_and_status_tells_of_it() {
    let lab = small().await;
    let never = lab.run(&["status"]).await.assert_code(0);
    never.assert_says("no run that brought production's data has been recorded").assert_says("drift          none");
    let report = refresh(&lab, &["refresh"]).await.assert_code(0).json();
    let found = status(&lab).await;
    let record = &found["record"];
    assert_eq!(record["data_read_at"], report["data_read_at"], "{found:#}");
    assert_eq!(record["database"]["run"], report["run"]);
    assert_eq!(record["database"]["command"], "refresh");
    assert!(record["database"]["by"].as_str().is_some_and(|by| by.starts_with("tester@")), "{found:#}");
    assert_eq!(record["documents"]["bytes"], 1);
    let steps = record["timings"]["refresh"].as_array().expect("a list").len();
    assert_eq!(steps, report["steps"].as_array().expect("a list").len());
    assert_eq!((&found["drift"], &found["unknown"], &found["run"]), (&json!([]), &json!([]), &Value::Null));
    assert!(found["data_age_seconds"].as_i64().is_some_and(|age| (0..3600).contains(&age)), "{found:#}");
    let said = lab.run(&["status", "--max-age", "1h"]).await.assert_code(0);
    said.assert_says("read from production").assert_says("by tester@");
    // The next one changes it, and documents alone leave the data's age as it was.
    lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| map["metadata"]["labels"]["mine"] = "kept".into());
    refresh(&lab, &["sync-documents"]).await.assert_code(0);
    let after = status(&lab).await;
    assert_eq!(after["record"]["data_read_at"], report["data_read_at"]);
    assert_eq!(after["record"]["documents"]["command"], "sync-documents");
    let map = lab.store.get("configmaps", SANDBOX, "sandbox-lifecycle").expect("a record");
    assert_eq!(map["metadata"]["labels"]["mine"], "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn max_age_is_an_exit_code() {
    let lab = small().await;
    let unknown = lab.run(&["status", "--max-age", "7d"]).await.assert_code(1);
    unknown.assert_says("the age of production's data in the sandbox is not known");
    refresh(&lab, &["refresh-from-prod"]).await.assert_code(0);
    read_at(&lab, "2020-01-01T00:00:00Z");
    let old = lab.run(&["--output", "json", "status", "--max-age", "7d"]).await.assert_code(1);
    assert!(old.json()["data_age_seconds"].as_i64() > Some(86400), "one JSON document all the same");
    old.assert_says("days old, more than --max-age 7 days");
    lab.run(&["status", "--max-age", "5000w"]).await.assert_code(0);
    lab.run(&["status", "--max-backup-age", "2d"]).await.assert_code(1).assert_says("production's last backup");
    lab.run(&["status", "--max-age", "7"]).await.assert_code(2).assert_says("is no age");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_is_not_there_is_an_error_in_a_sentence() {
    let lab = small().await;
    let ran = lab.run(&["--sandbox-namespace", "nosuch", "status"]).await.assert_code(1);
    assert!(ran.stdout.is_empty() && ran.stderr.trim_end().lines().count() == 1, "{ran:?}");
    ran.assert_says("there is no Deployment nosuch/erp-sandbox, and neither record nor Lease of a run")
        .assert_says("--sandbox-namespace");
    // Where runs have been, what they left is told all the same.
    refresh(&lab, &["sync-documents"]).await.assert_code(0);
    let ran = lab.run(&["--sandbox-deployment", "another", "status"]).await.assert_code(1);
    assert!(ran.stdout.contains("\ndocuments      sync-documents "), "{}", ran.stdout);
    ran.assert_says("error: there is no Deployment erp-sandbox/another: --sandbox-namespace and --sandbox-deployment");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_drifted_is_said_with_its_fix() {
    let lab = small().await;
    lab.change("applications", "argocd", SANDBOX, |app| {
        app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false);
    });
    let found = lab.run(&["status"]).await.assert_code(0);
    found.assert_says("self-heal of Application argocd/erp-sandbox is off").assert_says(r#"{"selfHeal":true}"#);
    lab.change("applications", "argocd", SANDBOX, |app| app["spec"]["syncPolicy"] = json!({}));
    lab.scale(0);
    let left = json!({"metadata": {"name": "sandbox-refresh-cafe-source", "namespace": SANDBOX,
        "labels": {"sandbox-lifecycle/run": "cafe"}}});
    lab.create("secrets", left);
    let found = lab.run(&["status"]).await.assert_code(0);
    let found = found.assert_says("automated sync of Application argocd/erp-sandbox is off");
    let found = found.assert_says("Deployment erp-sandbox/erp-sandbox is at 0 replicas");
    let found = found.assert_says("kubectl -n erp-sandbox scale deployment erp-sandbox --replicas=1");
    let found = found.assert_says("Secret erp-sandbox/sandbox-refresh-cafe-source is left of run cafe");
    assert!(!found.stdout.contains("none: armed"), "{}", found.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_progress_is_no_drift_and_its_step_is_told_and_an_abandoned_one_is() {
    let lab = small().await;
    // The word to restore is not let through.
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(Gate::new())).for_ever());
    let run = lab.reach(&["--min-tables", "10", "refresh-from-prod"], "[6/9]").await;
    lab.until("the Lease has the step", || {
        let lease = lab.store.get("leases", SANDBOX, "sandbox-lifecycle").unwrap_or_default();
        lease["metadata"]["annotations"]["sandbox-lifecycle/step"] == "Restore into the sandbox"
    })
    .await;
    let found = status(&lab).await;
    assert_eq!(found["drift"], json!([]), "{found:#}");
    assert_eq!(
        (&found["run"]["command"], &found["run"]["step"]),
        (&json!("refresh-from-prod"), &json!("Restore into the sandbox"))
    );
    let undos = found["run"]["will_put_back"].to_string();
    assert!(undos.contains("automated sync") && undos.contains("1 replica\""), "{undos}");
    let said = lab.run(&["status"]).await.assert_code(0);
    let said = said.assert_says("step \"Restore into the sandbox\"; last sign of life").assert_says("will put back: ");
    let said = said.assert_says("none but what the run in progress has changed");
    let told: Vec<&str> = said.stdout.lines().filter(|line| line.contains("will put back: Job erp-sandbox/")).collect();
    assert!(told.len() == 1 && told[0].ends_with(" is to be removed"), "{}", said.stdout);
    run.signal("KILL");
    run.end().await;
    lab.api.faults.clear();
    // Who waits for as long as the Lease lasts may take it over, so nobody is told until then that all is well.
    let ago = |seconds: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds)).to_string();
    for (seconds, dead) in [(25, false), (35, true)] {
        lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| lease["spec"]["renewTime"] = ago(seconds).into());
        let said = lab.run(&["status"]).await.assert_code(0);
        assert_eq!(said.stdout.contains(" s: `recover` puts back what it left\n"), dead, "{}", said.stdout);
        assert_eq!(said.stdout.contains("none but what the run in progress"), !dead, "{}", said.stdout);
    }
    lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| {
        lease["spec"].as_object_mut().expect("its spec").remove("renewTime");
    });
    let said = lab.run(&["status"]).await.assert_code(0);
    said.assert_says("has ended and left the Lease")
        .assert_says("sandbox-lifecycle recover")
        .assert_says("not put back");
    lab.run(&["recover"]).await.assert_code(0);
    lab.ready(SANDBOX).await;
    assert_eq!(status(&lab).await["drift"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_or_read_stops_nobody() {
    let lab = small().await;
    let rules: Vec<_> = readme::rules().into_iter().filter(|rule| rule.resource != "configmaps").collect();
    lab.allow(&rules);
    let report = refresh(&lab, &["refresh-from-prod"]).await.assert_code(0);
    let warned = report.stderr.matches("the sandbox's record was not written").count();
    assert_eq!(warned, 1, "{}", report.stderr);
    report.assert_says("resources: [\"configmaps\"]");
    let found = status(&lab).await;
    assert!(found["unknown"][0].as_str().is_some_and(|text| text.contains("get ConfigMap")), "{found:#}");
    lab.api.set(|settings| settings.rights = None);
    // Another writer is in the way, and then there is nobody: both are written.
    lab.api.faults.add(Rule::on(|seen| seen.line() == "create configmaps", Fault::code(409)));
    refresh(&lab, &["refresh-from-prod"]).await.assert_code(0);
    let first = record(&lab)["database"]["run"].clone();
    lab.api.faults.add(Rule::on(|seen| seen.line().starts_with("update configmaps"), Fault::code(409)));
    refresh(&lab, &["refresh-from-prod"]).await.assert_code(0);
    assert_ne!(record(&lab)["database"]["run"], first);
    // A damaged one is left to its owner.
    lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| map["data"]["record"] = "{".into());
    let ran = refresh(&lab, &["refresh-from-prod"]).await.assert_code(0).assert_says("if it is damaged, delete it");
    // What it guards against is known before anything is done.
    let at = |words: &str| ran.stderr.find(words).unwrap_or_else(|| panic!("{words}: {}", ran.stderr));
    assert!(at("seen of production is not compared with the sandbox") < at("[1/9]"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_committed_is_recorded_although_the_run_failed_later() {
    let lab = small().await;
    // What the preflight asks is answered, the first list of the documents is cut.
    let cut = ExecFault { skip: 1, ..ExecFault::once(PROD, Break::CutAfterSending(0)) };
    lab.kubelet.exec_faults().arm(cut);
    let report = refresh(&lab, &["refresh"]).await.assert_code(1).json();
    let record = record(&lab);
    assert_eq!(record["data_read_at"], report["data_read_at"]);
    assert_eq!((record.get("documents"), record.get("timings")), (None, None), "{record:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_without_any_right_says_so_in_a_sentence_and_secrets_are_never_listed_without_the_right() {
    let lab = small().await;
    lab.api.set(|settings| settings.rights = Some(Vec::new()));
    let ran = lab.run(&["status"]).await.assert_code(1);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("forbidden"), "{ran:?}");
    let all = |resource: &str| Right::new("*", resource, "*");
    let rights = ["configmaps", "leases", "jobs", "applications", "deployments"].map(all);
    lab.api.set(|settings| settings.rights = Some(rights.into()));
    lab.api.record.clear();
    lab.run(&["status"]).await.assert_code(0).assert_says("none: armed");
    assert!(lab.api.record.all().iter().all(|seen| !seen.path.contains("secrets")));
    assert!(lab.api.record.writes().is_empty(), "{:?}", lab.api.record.writes());
}
