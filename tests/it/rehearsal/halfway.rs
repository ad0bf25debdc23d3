//! Ended between the database's commit and the documents: the last words and the record say what is so, and never that all was done.

use super::world::{FEW_TABLES, warm};
use crate::documents::populate;
use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::Production;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox};
use crate::support::scene::{Midway, Scene};
use serde_json::Value;

/// The documents are not let out of the Pod that has them.
fn no_documents() -> (Rule, Gate) {
    let gate = Gate::new();
    let sends = |seen: &crate::support::api::Seen| seen.path.ends_with("/exec") && seen.query.contains("archive");
    (Rule::on(sends, Fault::Hang(gate.clone())).for_ever(), gate)
}

/// Reaches this gate.
async fn held(lab: &Sandbox, arguments: &[&str], (rule, gate): (Rule, Gate)) -> Midway {
    lab.api.faults.add(rule);
    let midway = Scene::reach(lab, &[arguments, &FEW_TABLES].concat(), "[1/").await;
    gate.reached().await;
    midway
}

async fn record(lab: &Sandbox) -> Value {
    lab.run(&["--output", "json", "status"]).await.assert_code(0).json()["record"].clone()
}

async fn ended(lab: &Sandbox, midway: Midway, signal: &str) -> Ran {
    midway.signal(signal);
    let ran = midway.end().await;
    lab.api.faults.clear();
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ended_before_the_documents_says_so_and_is_not_recorded_as_done() {
    let lab = warm().await;
    let checkpoint = lab.rehearsed();
    for (signal, code) in [("TERM", 143), ("INT", 130), ("KILL", -1)] {
        lab.rehearse();
        let changed = lab.rehearsed();
        let ran = ended(&lab, held(&lab, &["reset"], no_documents()).await, signal).await.assert_code(code);
        if signal != "KILL" {
            let last = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default().to_owned();
            assert!(last.contains("the database is the checkpoint's, the documents are not"), "{last}");
            assert!(last.contains("reset golden` again"), "{last}");
        }
        let now = lab.rehearsed();
        assert_eq!((&now.database, &now.documents), (&checkpoint.database, &changed.documents), "{signal}");
        let told = record(&lab).await;
        assert_eq!(told["reset"], Value::Null, "{signal}: {told:#}");
        assert_eq!(told["unfinished"]["documents"], true, "{signal}: {told:#}");
        lab.expire();
        lab.run(&["recover"]).await.assert_code(0);
        let status = lab.run(&["status"]).await;
        status.assert_says("not finished   reset golden").assert_says("run it again");
        lab.quick(&["reset"]).await.assert_code(0);
        assert_eq!(lab.rehearsed(), checkpoint);
        let told = record(&lab).await;
        assert_eq!((&told["unfinished"], &told["reset"]["name"]), (&Value::Null, &"golden".into()), "{told:#}");
        lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| map["data"]["record"] = "{}".into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ended_before_its_commit_is_no_finished_one_either() {
    let lab = warm().await;
    for signal in ["TERM", "KILL"] {
        lab.rehearse();
        let changed = lab.rehearsed();
        let gate = Gate::new();
        let proof = Rule::on_line("update leases sandbox-lifecycle", Fault::Hang(gate.clone()));
        let midway = held(&lab, &["reset"], (proof, gate)).await;
        ended(&lab, midway, signal).await;
        assert_eq!(lab.rehearsed(), changed);
        let told = record(&lab).await;
        assert_eq!(told["reset"], Value::Null, "{told:#}");
        // Who is killed cannot say that nothing was committed.
        assert_eq!(
            told["unfinished"]["database"],
            if signal == "KILL" { true.into() } else { Value::Null },
            "{told:#}"
        );
        lab.expire();
        lab.quick(&["reset"]).await.assert_code(0);
        assert_eq!(record(&lab).await["unfinished"], Value::Null);
        lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| map["data"]["record"] = "{}".into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_ended_before_the_documents_says_what_is_production_s_and_what_is_not() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    populate(&lab.documents(PROD), 1_000);
    let ran = ended(&lab, held(&lab, &["refresh"], no_documents()).await, "TERM").await.assert_code(143);
    ran.assert_says("the database is production's already, the documents are not").assert_says("sync-documents");
    let told = record(&lab).await;
    assert_eq!((&told["database"]["command"], &told["documents"]), (&"refresh".into(), &Value::Null), "{told:#}");
    assert_eq!(told["unfinished"]["documents"], true, "{told:#}");
    lab.quick(&["sync-documents"]).await.assert_code(0);
    assert_eq!(record(&lab).await["unfinished"], Value::Null);
    assert!(lab.world().objects["leases"].is_empty() && lab.world().objects["jobs"].is_empty());
}
