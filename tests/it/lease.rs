//! Whose the sandbox is: alive or dead is told by renewals that are seen, whatever any clock says.

use crate::support::api::Fault;
use crate::support::api::Rule;
use crate::support::postgres::Production;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "sandbox-lifecycle";

/// The time on a machine whose clock is so many minutes off.
fn on_a_clock(minutes: i64) -> Value {
    format!("{:.6}", Timestamp::now() + SignedDuration::from_mins(minutes)).into()
}

/// A Lease as a run on such a machine holds it.
fn held(lab: &Sandbox, minutes: i64, seconds: u32) {
    let now = on_a_clock(minutes);
    lab.create(
        "leases",
        json!({
            "metadata": {"name": NAME, "namespace": SANDBOX, "annotations": {"sandbox-lifecycle/journal":
                r#"[{"undo":"scale-to","namespace":"erp-sandbox","deployment":"erp-sandbox","replicas":1}]"#}},
            "spec": {"holderIdentity": "somebody@elsewhere/7/cafe", "leaseDurationSeconds": seconds, "acquireTime": now,
                "renewTime": now, "leaseTransitions": 0},
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_renews_is_alive_however_wrong_its_clock_is() {
    let lab = Sandbox::new().await;
    for minutes in [-10, 0, 10] {
        held(&lab, minutes, 30);
        // It renews whenever somebody looks.
        let store = lab.store.clone();
        let renew = move |lease: &mut Value| lease["spec"]["renewTime"] = on_a_clock(minutes);
        let looks = Rule::on(
            move |seen| {
                if seen.line() == format!("get leases {NAME}") {
                    store.mutate("leases", SANDBOX, NAME, renew).expect("the holder's Lease");
                }
                false
            },
            Fault::ResetBefore,
        );
        lab.api.faults.add(looks);
        for command in [&["recover"][..], &["refresh"]] {
            let ran = lab.run(command).await.assert_code(1);
            ran.assert_says("watching for up to 30 s whether somebody@elsewhere/7/cafe still renews its Lease")
                .assert_says("is held by somebody@elsewhere/7/cafe since")
                .assert_says("it is alive");
        }
        assert_eq!(lab.api.record.writes(), [""; 0]);
        lab.api.faults.clear();
        lab.run(&["recover", "--force"]).await.assert_code(0);
        lab.api.record.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_renew_is_dead_however_wrong_its_clock_was() {
    let lab = Sandbox::new().await;
    for minutes in [-10, 0, 10] {
        held(&lab, minutes, 1);
        let ran = lab.run(&["recover"]).await.assert_code(0);
        ran.assert_says("somebody@elsewhere/7/cafe is gone")
            .assert_says("put back: Deployment erp-sandbox/erp-sandbox");
        assert_eq!(lab.store.get("leases", SANDBOX, NAME), None);
        lab.run(&["recover"]).await.assert_code(0).assert_says("no run has left anything behind");
    }
}

/// As long as the Lease lasts it is looked at, however much of `--wait` was spent before.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_as_long_as_a_lease_lasts_learns_that_its_holder_is_dead() {
    let lab = Sandbox::new().await;
    for command in [&["reset", "--wait", "2s"][..], &["checkpoint", "list", "--wait", "2s"]] {
        held(&lab, 0, 2);
        let slow =
            Rule::on(|seen| seen.line().starts_with("get deployments"), Fault::Delay(Duration::from_millis(700)));
        lab.api.faults.add(slow.times(1));
        let ran = lab.run(command).await;
        ran.assert_says("somebody@elsewhere/7/cafe is gone")
            .assert_says("put back: Deployment erp-sandbox/erp-sandbox");
        assert_eq!(lab.store.get("leases", SANDBOX, NAME), None);
        lab.api.faults.clear();
    }
    held(&lab, 0, 2);
    let ran = lab.run(&["reset", "--wait", "500ms"]).await.assert_code(1);
    ran.assert_says("is held by somebody@elsewhere/7/cafe").assert_says("let this wait for longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_read_is_left_where_it_is() {
    let lab = Sandbox::new().await;
    held(&lab, 0, 1);
    let newer = |lease: &mut Value| {
        lease["metadata"]["annotations"]["sandbox-lifecycle/journal"] = r#"[{"undo":"unheard-of"}]"#.into();
    };
    lab.change("leases", SANDBOX, NAME, newer);
    let before = lab.store.get("leases", SANDBOX, NAME);
    for command in ["recover", "refresh"] {
        lab.run(&[command]).await.assert_code(1).assert_says("cannot read the journal in the Lease");
    }
    assert_eq!(lab.store.get("leases", SANDBOX, NAME), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_names_an_application_of_another_namespace_is_refused() {
    let lab = Sandbox::new().await;
    let mut other = lab.store.get("applications", "argocd", SANDBOX).expect("the sandbox's own");
    other["metadata"] = json!({"name": "erp-production", "namespace": "argocd"});
    other["spec"]["destination"]["namespace"] = PROD.into();
    lab.create("applications", other);
    let undo = json!([{"undo": "resume-automated-sync", "namespace": "argocd", "application": "erp-production", "automated": {"prune": true}}]);
    held(&lab, 0, 1);
    lab.change("leases", SANDBOX, NAME, |lease| {
        lease["metadata"]["annotations"]["sandbox-lifecycle/journal"] = undo.to_string().into();
    });
    let before = [lab.store.get("leases", SANDBOX, NAME), lab.store.get("applications", "argocd", "erp-production")];
    for command in [&["recover", "--dry-run"][..], &["recover"], &["refresh"]] {
        let ran = lab.run(command).await.assert_code(1).assert_says("delete lease sandbox-lifecycle");
        ran.assert_says("names Application argocd/erp-production, which does not deploy to erp-sandbox");
    }
    let after = [lab.store.get("leases", SANDBOX, NAME), lab.store.get("applications", "argocd", "erp-production")];
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_released_while_it_is_watched_is_simply_taken() {
    let lab = Sandbox::new().await;
    held(&lab, 0, 30);
    let store = lab.store.clone();
    let release = Rule::on(
        move |seen| {
            let looks = seen.line() == format!("get leases {NAME}");
            if looks {
                let now = crate::support::store::DeleteOptions::now();
                // A second look finds it gone already.
                let _ = store.delete("leases", SANDBOX, NAME, now);
            }
            false
        },
        Fault::ResetBefore,
    );
    lab.api.faults.add(Rule::on_line("get leases sandbox-lifecycle", Fault::Delay(std::time::Duration::ZERO)));
    lab.api.faults.add(release);
    lab.run(&["refresh-from-prod"]).await.assert_code(0).assert_says("watching for up to 30 s");
}

/// Another run that is faster, and lets the Lease go again as soon as somebody asks who has it.
fn another_comes_and_goes(lab: &Sandbox, times: usize) {
    let create = lab.store.clone();
    let delete = lab.store.clone();
    let comes = move |seen: &crate::support::api::Seen| {
        if seen.line() == "create leases" {
            create.create("leases", json!({"metadata": {"name": NAME, "namespace": SANDBOX}})).expect("created");
        }
        false
    };
    let goes = move |seen: &crate::support::api::Seen| {
        if seen.line() == format!("get leases {NAME}") {
            // The first look of all finds none.
            let _ = delete.delete("leases", SANDBOX, NAME, crate::support::store::DeleteOptions::now());
        }
        false
    };
    // A rule that matches nothing is asked about every request; one that has struck so often is asked no more.
    let counted = std::sync::atomic::AtomicUsize::new(0);
    let comes = move |seen: &crate::support::api::Seen| {
        use std::sync::atomic::Ordering::Relaxed;
        seen.line() == "create leases" && counted.fetch_add(1, Relaxed) < times && comes(seen)
    };
    lab.api.faults.add(Rule::on(comes, Fault::ResetBefore));
    lab.api.faults.add(Rule::on(goes, Fault::ResetBefore));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_let_go_while_it_is_asked_for_is_asked_for_again() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    another_comes_and_goes(&lab, 2);
    lab.run(&["refresh-from-prod", "--min-tables", "10"]).await.assert_code(0);
    let asked = lab.api.record.all().iter().filter(|seen| seen.line() == "create leases").count();
    assert_eq!(asked, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_that_come_and_go_without_end_are_said() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let before = lab.world();
    another_comes_and_goes(&lab, usize::MAX);
    lab.run(&["refresh-from-prod", "--min-tables", "10"])
        .await
        .assert_code(1)
        .assert_says("the Lease erp-sandbox/sandbox-lifecycle came and went 10 times");
    assert_eq!(lab.world(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn recover_says_what_it_did_and_does_it_once() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    held(&lab, 0, 1);
    let ran = lab.run(&["--output", "json", "recover"]).await.assert_code(0);
    let report = ran.json();
    assert_eq!(report["outcome"], "done");
    assert_eq!(report["put_back"], json!(["Deployment erp-sandbox/erp-sandbox at 1 replica"]));
    ran.assert_says("all that somebody@elsewhere/7/cafe left is put back (1 undone); its Lease is gone");
    for _ in 0..2 {
        lab.api.record.clear();
        lab.run(&["recover"]).await.assert_code(0).assert_says("no run has left anything behind");
        assert_eq!(lab.api.record.writes(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recover_as_a_dry_run_tells_what_it_would_put_back_and_does_nothing() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    held(&lab, 0, 1);
    let before = lab.world();
    lab.api.record.clear();
    for more in [&[][..], &["--force"], &["--wait", "1s"]] {
        let ran = lab.run(&[&["recover", "--dry-run"], more].concat()).await.assert_code(0);
        let told = "the Lease erp-sandbox/sandbox-lifecycle is held by somebody@elsewhere/7/cafe";
        assert!(ran.stdout.starts_with(told), "{}", ran.stdout);
        assert!(
            ran.stdout.contains("\nwould put back: Deployment erp-sandbox/erp-sandbox at 1 replica"),
            "{}",
            ran.stdout
        );
    }
    let told = lab.run(&["--output", "json", "recover", "--dry-run"]).await.assert_code(0).json();
    assert_eq!((&told["dry_run"], &told["holder"]), (&json!(true), &json!("somebody@elsewhere/7/cafe")), "{told:#}");
    assert!(told["would_put_back"][0].as_str().is_some_and(|undo| undo.contains("erp-sandbox/erp-sandbox at 1")));
    assert_eq!((lab.api.record.writes(), lab.world()), (vec![], before));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_sandbox_recover_does_not_say_that_all_is_well() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let ran = lab.run(&["--sandbox-namespace", "nosuch", "recover"]).await.assert_code(1);
    ran.assert_says("no Deployment nosuch/erp-sandbox either: see --sandbox-namespace");
}

/// A watchdog, or a colleague: both find the dead holder's Lease, and one of them is faster.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_recover_at_once_both_end_well() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    held(&lab, 0, 1);
    let gate = crate::support::api::Gate::new();
    lab.api.faults.add(Rule::on_line(&format!("update leases {NAME}"), Fault::Hang(gate.clone())));
    let slow = lab.command(&["recover"]).spawn().expect("the binary starts");
    gate.reached().await;
    lab.run(&["recover"]).await.assert_code(0).assert_says("is put back");
    gate.open();
    let ran = crate::support::sandbox::finish(slow).await.assert_code(0);
    ran.assert_says("somebody else was faster with the Lease").assert_says("no run has left anything behind");
    lab.ready(SANDBOX).await;
}
