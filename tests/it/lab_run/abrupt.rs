//! Ends that come while a container is on its way: nothing may be left, wherever they fall.

use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::lab::{Lab, NS, app, pod};
use super::sleepers;
use crate::support::container::image::{APP, POSTGRES};

/// Runs as another user than root: such a process has lost its wish to die with its parent.
fn sleeper(name: &str, marker: &str) -> Value {
    let mut pod = pod(name, POSTGRES, &format!("trap '' TERM; sleep {marker}"));
    pod["spec"]["securityContext"] = json!({"runAsUser": 999, "runAsGroup": 999});
    pod["spec"]["terminationGracePeriodSeconds"] = 0.into();
    pod
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_deleted_while_its_container_starts_leaves_no_process() {
    let marker = "86398.25";
    let lab = Lab::new().await;
    lab.node.set(|config| config.removal_delay = Duration::ZERO);
    for delay in 0..12_u64 {
        let name = format!("brief-{delay}");
        let mut brief = sleeper(&name, marker);
        // Both ways: by force, and as the node does it.
        brief["spec"]["terminationGracePeriodSeconds"] = (delay % 2).into();
        lab.run(brief).await;
        tokio::time::sleep(Duration::from_millis(delay * 4)).await;
        let gone = lab.pods.delete(&name, &DeleteParams::default()).await;
        gone.expect("it is there");
        lab.until(&name, "gone", Value::is_null).await;
        assert_eq!(lab.store.get("pods", NS, &name), None);
    }
    // What was on its way has arrived by the time another one has come and gone.
    lab.run(pod("last", POSTGRES, "exit 0")).await;
    lab.until_phase("last", "Succeeded").await;
    assert_eq!(sleepers(marker), Vec::<u32>::new());
}

#[test]
fn a_world_that_ends_while_containers_start_leaves_no_process() {
    let marker = "86397.25";
    for delay in 0..10_u64 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let lab = Lab::new().await;
            for name in ["one", "two", "three"] {
                lab.run(sleeper(name, marker)).await;
            }
            tokio::time::sleep(Duration::from_millis(delay * 6)).await;
        });
        drop(runtime);
    }
    // A start that was under way has been made known to nobody: it has shown itself by the time another one has come and gone.
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let lab = Lab::new().await;
        lab.run(pod("last", POSTGRES, "exit 0")).await;
        lab.until_phase("last", "Succeeded").await;
    });
    assert_eq!(sleepers(marker), Vec::<u32>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_waits_goes_at_once_and_one_on_a_lost_node_stays() {
    let lab = Lab::new().await;
    let mut waiting = pod("waiting", POSTGRES, "exit 0");
    let reference = json!({"secretKeyRef": {"name": "never", "key": "password"}});
    waiting["spec"]["containers"][0]["env"] = json!([{"name": "A", "valueFrom": reference}]);
    waiting["spec"]["terminationGracePeriodSeconds"] = 30.into();
    lab.run(waiting).await;
    let mut lost = sleeper("lost", "86396.25");
    lost["spec"]["terminationGracePeriodSeconds"] = 1.into();
    lab.run(lost).await;
    lab.until("waiting", "stuck", |pod| {
        let state = &pod["status"]["containerStatuses"][0]["state"];
        state["waiting"]["reason"] == "CreateContainerConfigError"
    })
    .await;
    let asked = DeleteParams::default();
    lab.pods.delete("waiting", &asked).await.expect("deleted");
    lab.until("waiting", "gone", Value::is_null).await;
    lab.until_ready("lost").await;
    lab.node.lose(NS, "lost");
    lab.until("lost", "unready", |pod| pod["status"]["reason"] == "NodeLost").await;
    lab.pods.delete("lost", &asked).await.expect("marked");
    // Longer than its grace: nobody is there to remove it.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let kept = lab.store.get("pods", NS, "lost").expect("it stays");
    assert!(kept["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(sleepers("86396.25"), Vec::<u32>::new());
    let forced = DeleteParams::default().grace_period(0);
    lab.pods.delete("lost", &forced).await.expect("forced");
    lab.until("lost", "gone", Value::is_null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delete_shortens_the_grace() {
    let lab = Lab::new().await;
    let mut slow = sleeper("slow", "86395.25");
    slow["spec"]["terminationGracePeriodSeconds"] = 30.into();
    lab.run(slow).await;
    lab.until_ready("slow").await;
    lab.pods.delete("slow", &DeleteParams::default()).await.expect("marked");
    let shorter = DeleteParams::default().grace_period(1);
    lab.pods.delete("slow", &shorter).await.expect("marked again");
    // `until` waits for 10 s, the first grace is 30.
    lab.until("slow", "gone", Value::is_null).await;
}

#[test]
fn a_world_that_ends_leaves_no_file() {
    let mut left = Vec::new();
    for _ in 0..10 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let root = runtime.block_on(async {
            let lab = Lab::new().await;
            for name in ["one", "two", "three"] {
                let mut app = app(name, APP);
                app["spec"]["restartPolicy"] = "Always".into();
                lab.run(app).await;
            }
            lab.until_ready("three").await;
            lab.dir.path().to_owned()
        });
        // With it end the Pods' tasks, which would start their containers again.
        drop(runtime);
        left.extend(root.exists().then_some(root));
    }
    assert!(left.is_empty(), "{left:?}");
}
