//! Ends that come while a container is on its way: nothing may be left, wherever they fall.

use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::lab::{Lab, NS, pod};
use super::sleepers;
use crate::support::container::image::POSTGRES;

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
        lab.run(sleeper(&name, marker)).await;
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
    // A start that was under way has been made known to nobody: give it the time to show itself.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(sleepers(marker), Vec::<u32>::new());
}
