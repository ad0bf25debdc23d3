//! Inside a Pod, by its service account: what a runner in the cluster does.

use crate::real::sandbox::RealSandbox;
use crate::support::sandbox::SANDBOX;
use crate::support::scene::Scene;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_runner_in_a_pod_needs_no_kubeconfig() {
    let sandbox = RealSandbox::new().await;
    let before = sandbox.world();
    let kubectl = &sandbox.kubectl;
    kubectl.put("create", &[runner(&sandbox.image)]);
    kubectl.run(&["-n", SANDBOX, "wait", "--for=condition=Ready", "pod", "runner", "--timeout=120s"]);
    let binary = std::fs::File::open(env!("CARGO_BIN_EXE_sandbox-lifecycle")).expect("the binary");
    // Through exec, as there is no registry: the node may be on another machine.
    let mut copy = kubectl.command(&[
        "-n",
        SANDBOX,
        "exec",
        "-i",
        "runner",
        "--",
        "sh",
        "-c",
        "cat >/tmp/run && chmod +x /tmp/run",
    ]);
    assert!(copy.stdin(binary).status().expect("kubectl runs").success());
    let settings = sandbox.environment().map(|(name, value)| format!("{name}={value}"));
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let run =
        [&["-n", SANDBOX, "exec", "runner", "--", "env"][..], &settings, &["/tmp/run", "refresh-from-prod"]].concat();
    let said = kubectl.try_run(&run).unwrap_or_else(|error| panic!("{error}"));
    kubectl.run(&["-n", SANDBOX, "delete", "pod", "runner", "--grace-period=0", "--force"]);
    assert!(said.contains("downtime"), "{said}");
    let after = sandbox.world();
    assert_eq!(after.sandbox, before.production);
    after.assert_whole_since(&before);
}

fn runner(image: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": SANDBOX, "name": "runner"},
        "spec": {
            "serviceAccountName": "sandbox-lifecycle",
            "containers": [{"name": "runner", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}],
        },
    })
}
