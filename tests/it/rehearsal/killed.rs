//! Ended in the middle: what the name means is the old checkpoint or the new one, the sandbox the old one or the checkpoint's.

use super::world::{CHANGES, FEW_TABLES, Rehearsed, warm};
use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::Production;
use crate::support::sandbox::{SANDBOX, Sandbox, finish};
use crate::support::scene::{Midway, Scene};

async fn reach(lab: &Sandbox, arguments: &[&str], words: &str) -> Midway {
    Scene::reach(lab, &[arguments, &FEW_TABLES].concat(), words).await
}

fn old_or_checkpoint(lab: &Sandbox, old: &Rehearsed, checkpoint: &Rehearsed, when: &str) {
    let now = lab.rehearsed().database;
    assert!(now == old.database || now == checkpoint.database, "the database is neither: {when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ended_at_each_step_leaves_the_old_or_the_checkpoint_and_the_next_one_works() {
    let lab = warm().await;
    let checkpoint = lab.rehearsed();
    for signal in ["KILL", "TERM"] {
        for step in 1..=5 {
            lab.change_database("DELETE FROM llx_const WHERE name = 'CONST_2'");
            let changed = lab.rehearsed();
            let midway = reach(&lab, &["reset"], &format!("[{step}/5]")).await;
            midway.signal(signal);
            let ran = midway.end().await;
            assert!(matches!(ran.code, -1 | 0 | 143), "{signal} at {step}: {ran:?}");
            old_or_checkpoint(&lab, &changed, &checkpoint, &format!("{signal} at step {step}"));
            lab.expire();
            lab.quick(&["reset"]).await.assert_code(0);
            assert_eq!(lab.rehearsed(), checkpoint, "{signal} at step {step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_ended_at_each_step_never_replaces_a_whole_one_by_a_part() {
    let lab = warm().await;
    let mut first = lab.rehearsed();
    for signal in ["KILL", "TERM"] {
        for step in 1..=4 {
            lab.change_database(CHANGES);
            let second = lab.rehearsed();
            let midway = reach(&lab, &["checkpoint"], &format!("[{step}/4]")).await;
            midway.signal(signal);
            let ran = midway.end().await;
            assert!(matches!(ran.code, -1 | 0 | 143), "{signal} at {step}: {ran:?}");
            lab.expire();
            lab.quick(&["reset"]).await.assert_code(0);
            let now = lab.rehearsed();
            assert!(now == first || now == second, "{signal} at step {step}");
            // The next checkpoint removes the debris.
            lab.change_database("DELETE FROM llx_user WHERE login = 'agent'");
            lab.quick(&["checkpoint", "other"]).await.assert_code(0);
            assert_eq!(lab.sets().len(), 2, "{:?}", lab.sets());
            // Where the new one was in its place already, it is the one that the next must not damage.
            first = now;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_cold_run_leaves_no_job_once_the_next_one_has_run() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    let before = lab.rehearsed();
    let midway = reach(&lab, &["checkpoint"], "[2/4]").await;
    midway.signal("KILL");
    midway.end().await;
    lab.expire();
    lab.quick(&["checkpoint"]).await.assert_code(0);
    lab.rehearse();
    let midway = reach(&lab, &["reset"], "[3/5]").await;
    midway.signal("KILL");
    midway.end().await;
    lab.expire();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    for kind in ["jobs", "leases"] {
        assert_eq!(lab.world().objects[kind], Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_before_the_commit_leaves_the_old_database() {
    let mut lab = warm().await;
    let checkpoint = lab.rehearsed();
    lab.rehearse();
    let changed = lab.rehearsed();
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("update leases sandbox-lifecycle", Fault::Hang(gate.clone())));
    let reset = lab.quickly(&["reset"]).spawn().expect("the binary starts");
    gate.reached().await;
    // A server that has crashed may count sequences on from where its log says, 32 further at most: not what is asked here.
    lab.postgres.sql("postgres", "CHECKPOINT");
    lab.postgres.restart(&[]);
    gate.open();
    finish(reset).await.assert_code(1);
    assert_eq!(lab.rehearsed(), changed);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), checkpoint);
    assert!(lab.store.get("leases", SANDBOX, "sandbox-lifecycle").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_before_the_commit_commits_nothing() {
    let lab = warm().await;
    lab.rehearse();
    let changed = lab.rehearsed();
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("update leases sandbox-lifecycle", Fault::Hang(gate.clone())));
    let reset = lab.quickly(&["reset"]).spawn().expect("the binary starts");
    gate.reached().await;
    lab.store.delete("leases", SANDBOX, "sandbox-lifecycle", Default::default()).expect("the Lease");
    gate.open();
    finish(reset).await.assert_code(1).assert_says("taken or deleted by somebody else");
    assert_eq!(lab.rehearsed(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_pod_that_is_not_up_yet_goes_with_its_run_and_one_that_is_stays() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    let kept = || lab.store.get("deployments", SANDBOX, "sandbox-lifecycle-golden").is_some();
    for signal in ["KILL", "TERM"] {
        let gate = Gate::new();
        lab.api.faults.add(Rule::on_line("create deployments", Fault::HangAfter(gate.clone())));
        let midway = reach(&lab, &["checkpoint", "--warm"], "[1/4]").await;
        gate.reached().await;
        assert!(kept());
        midway.signal(signal);
        midway.end().await;
        lab.expire();
        lab.run(&["recover"]).await.assert_code(0);
        assert!(!kept(), "{signal}");
    }
    let pending = ["checkpoint", "--warm", "--golden-claim", "other", "--storage-class", "nobody-s"];
    lab.quick(&pending)
        .await
        .assert_code(1)
        .assert_says("put back: Deployment erp-sandbox/sandbox-lifecycle-golden is removed");
    assert!(!kept());
    let midway = reach(&lab, &["checkpoint", "--warm"], "[2/4]").await;
    midway.signal("KILL");
    midway.end().await;
    lab.expire();
    lab.run(&["recover"]).await.assert_code(0);
    assert!(kept(), "it was up, and is kept as was asked for");
}
