//! Documents from Pod to Pod: equal afterwards, also after a cut and a second run.

use crate::real::machinery::Machinery;
use crate::real::sandbox::RealSandbox;
use crate::support::sandbox::Ran;
use crate::support::scene::Scene;
use std::time::Duration;

/// Megabytes that take the tool long enough to be cut in the middle.
const LARGE: u32 = 1000;

/// A kubelet that comes back takes its Pods for not Ready until it has probed them again.
async fn run_when_ready(sandbox: &RealSandbox, arguments: &[&str]) -> Ran {
    let ready = async {
        loop {
            let ran = sandbox.run(arguments).await;
            if !ran.stderr.contains("is Ready") {
                return ran;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ready).await.expect("the Pods become Ready again")
}

/// The second run sends what the first one did not, and no more.
async fn assert_mended(sandbox: &RealSandbox, cut: Ran) {
    assert_eq!(cut.code, 1, "{cut:?}");
    let cut = cut.assert_says("run it again");
    let report = run_when_ready(sandbox, &["--output", "json", "sync-documents"]).await.assert_code(0).json();
    let sent = report["documents"]["bytes"].as_u64().expect("bytes");
    assert!(sent < u64::from(LARGE) * 1_000_000, "all was sent again: {report} after {cut:?}");
    sandbox.assert_same_documents();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_trees_become_equal_and_a_second_sync_sends_nothing() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(50);
    sandbox.run(&["sync-documents"]).await.assert_code(0);
    sandbox.assert_same_documents();
    let again = sandbox.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
    assert_eq!((&again["documents"]["files"], &again["documents"]["bytes"]), (&0.into(), &0.into()), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_gigabyte_that_is_cut_by_a_restarting_api_server_is_mended_by_the_next_run() {
    cut_by("kube-apiserver").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_gigabyte_that_is_cut_by_a_dying_kubelet_is_mended_by_the_next_run() {
    cut_by("kubelet").await;
}

async fn cut_by(process: &str) {
    let sandbox = RealSandbox::new().await;
    let Some(machinery) = Machinery::of(&sandbox.kubectl) else { return };
    sandbox.populate(LARGE);
    let run = sandbox.reach(&["sync-documents"], "listing both pods").await;
    sandbox.wait_for_documents(LARGE / 10);
    machinery.kill(process);
    machinery.mend();
    assert_mended(&sandbox, run.end().await).await;
    sandbox.populate(0);
}
