//! A golden Pod that does not come up: why is said in the cluster's words, and nothing of it stays.

use super::world::{FEW_TABLES, warm};
use crate::support::postgres::Production;
use crate::support::sandbox::{SANDBOX, Sandbox};
use crate::support::scene::Scene;
use crate::support::store::DeleteOptions;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NAME: &str = "sandbox-lifecycle-golden";

async fn furnished() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    lab
}

fn assert_nothing_stays(lab: &Sandbox) {
    assert_eq!(lab.store.get("deployments", SANDBOX, NAME), None);
    for kind in ["jobs", "leases"] {
        assert!(lab.store.list(kind, Some(SANDBOX)).is_empty(), "{kind}");
    }
}

/// The golden Pods that there are, whatever made them.
fn golden_pods(lab: &Sandbox) -> Vec<Value> {
    let is_golden = |pod: &Value| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        name.starts_with("sandbox-golden-") || name.starts_with(NAME)
    };
    lab.store.list("pods", Some(SANDBOX)).into_iter().filter(is_golden).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_lets_no_golden_pod_come_is_said_soon() {
    let lab = furnished().await;
    let quota = json!({"metadata": {"name": "tight", "namespace": SANDBOX}, "spec": {"hard": {"pods": "1"}}});
    lab.create("resourcequotas", quota);
    for arguments in [&["checkpoint"][..], &["checkpoint", "--warm"]] {
        let begun = Instant::now();
        let ran = lab.quick(arguments).await.assert_code(1);
        ran.assert_says("FailedCreate").assert_says("exceeded quota: tight");
        assert!(begun.elapsed() < Duration::from_secs(40), "{arguments:?} took {:?}", begun.elapsed());
        assert_nothing_stays(&lab);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_events_say_of_a_golden_pod_is_told_with_its_end() {
    let lab = furnished().await;
    lab.kubelet.set(|config| config.attached_elsewhere = vec!["sandbox-golden".to_owned()]);
    for arguments in [&["checkpoint"][..], &["checkpoint", "--warm"]] {
        let midway = Scene::reach(&lab, &[arguments, &FEW_TABLES].concat(), "[1/4]").await;
        let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let waits = || {
            let events = lab.store.list("events", Some(SANDBOX));
            let pods = golden_pods(&lab);
            pods.into_iter().map(|pod| name(&pod)).find(|pod| {
                events.iter().any(|one| one["involvedObject"]["name"] == **pod && one["reason"] == "FailedAttachVolume")
            })
        };
        lab.until("the Pod has no volume", || waits().is_some()).await;
        lab.kubelet.lose(SANDBOX, &waits().expect("it was there a moment ago"));
        let ran = midway.end().await.assert_code(1);
        ran.assert_says("does not answer any more").assert_says("FailedAttachVolume: Multi-Attach error for volume");
        lab.until("its object is gone", || {
            let left = golden_pods(&lab);
            left.iter().for_each(|pod| {
                // Its node will not do it.
                let _ = lab.store.delete("pods", SANDBOX, &name(pod), DeleteOptions::now());
            });
            left.is_empty()
        })
        .await;
        assert_nothing_stays(&lab);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_evicted_pod_is_not_taken_for_its_replacement() {
    let lab = warm().await;
    lab.kubelet.set(|config| config.ready_delay = Duration::from_secs(3));
    let before = golden_pods(&lab)[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    lab.kubelet.evict(SANDBOX, &before);
    lab.until("it has failed", || golden_pods(&lab).iter().any(|pod| pod["status"]["phase"] == "Failed")).await;
    lab.quick(&["reset"]).await.assert_code(0);
    assert!(golden_pods(&lab).iter().any(|pod| pod["metadata"]["name"] == *before), "its object is there still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_golden_pod_that_has_failed_is_not_waited_for() {
    let lab = furnished().await;
    lab.kubelet.set(|config| config.ready_delay = Duration::from_secs(60));
    let midway = Scene::reach(&lab, &[&["checkpoint"][..], &FEW_TABLES].concat(), "[1/4]").await;
    let running = || {
        let pods = golden_pods(&lab);
        let pod = pods.iter().find(|pod| pod["status"]["phase"] == "Running")?;
        pod["metadata"]["name"].as_str().map(str::to_owned)
    };
    lab.until("its Pod runs", || running().is_some()).await;
    lab.kubelet.oom_kill(SANDBOX, &running().expect("it was there a moment ago"), "golden");
    let begun = Instant::now();
    midway.end().await.assert_code(1).assert_says("has failed: container golden: OOMKilled, exit code 137");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_nothing_stays(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_pod_that_is_replaced_by_one_that_does_not_come_up_goes_with_it() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.rehearse();
    let ran = lab.quick(&["reset", "--pg-image", "registry.example/nope:1"]).await.assert_code(1);
    let ran = ran
        .assert_says("the image of --pg-image cannot be had")
        .assert_says("everything was put back but for the golden Pod");
    let ran = ran.assert_says("`sandbox-lifecycle checkpoint --warm` keeps one again");
    ran.assert_says("put back: Deployment erp-sandbox/sandbox-lifecycle-golden is removed");
    assert_nothing_stays(&lab);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    // One that comes up stays, and its undo does not.
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    lab.run(&["reset", "--min-tables", "11"]).await.assert_code(0);
    assert!(lab.store.get("deployments", SANDBOX, NAME).is_some());
}

/// As in life, where the claim of a Pod stays until that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_deleted_and_held_by_the_kept_pod_names_what_lets_it_go() {
    let lab = warm().await;
    let protection = "kubernetes.io/pvc-protection";
    lab.change("persistentvolumeclaims", SANDBOX, "sandbox-golden", |claim| {
        claim["metadata"]["finalizers"] = json!([protection]);
    });
    lab.store.delete("persistentvolumeclaims", SANDBOX, "sandbox-golden", DeleteOptions::default()).expect("the claim");
    let words = ["is being deleted: `sandbox-lifecycle checkpoint cool` first", "then try again when it is gone"];
    let ran = lab.quick(&["reset"]).await.assert_code(1);
    words.into_iter().fold(ran, |ran, words| ran.assert_says(words));
    let ran = lab.run(&["doctor", "reset"]).await.assert_code(1).assert_says(words[0]);
    ran.assert_says("fix: sandbox-lifecycle checkpoint cool, then as said");
    lab.run(&["checkpoint", "cool"]).await.assert_code(0);
    let ran = lab.quick(&["reset"]).await.assert_code(1).assert_says("is being deleted: try again when it is gone");
    assert!(!ran.stderr.contains("cool"), "{}", ran.stderr);
    lab.change("persistentvolumeclaims", SANDBOX, "sandbox-golden", |claim| {
        claim["metadata"]["finalizers"] = json!([])
    });
    lab.quick(&["reset"])
        .await
        .assert_code(1)
        .assert_says("there is no PersistentVolumeClaim erp-sandbox/sandbox-golden");
}
