//! Requests that the API server carries out when their client is gone and all has been put back: each comes too late.

use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::Production;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, World, finish};
use serde_json::{Value, json};
use std::time::Duration;

/// A run that is interrupted while its first request of this line is on its way; then the server gets to it. With the code
/// that it is answered with.
async fn late(lab: &Sandbox, arguments: &[&str], line: &str) -> (Ran, u16) {
    // Nothing that heals would show a harm.
    lab.controllers.argo.heal_after(Duration::from_secs(600));
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line(line, Fault::Later(gate.clone())));
    let mut command = lab.command(arguments);
    let child = command.env("SANDBOX_LIFECYCLE_MIN_TABLES", "10").spawn().expect("the binary starts");
    gate.reached().await;
    let pid = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill runs").success());
    let ran = finish(child).await.assert_code(130);
    (ran, gate.carried_out().await.1)
}

/// Its production has documents, or none would be let through.
async fn small() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    std::fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("a tree");
    lab
}

async fn comes_too_late(arguments: &[&str], line: &str) -> Sandbox {
    let lab = small().await;
    let before = lab.world();
    let (ran, code) = late(&lab, arguments, line).await;
    // Its object has changed since, or is gone.
    assert!(matches!(code, 404 | 409), "{line} is answered with {code}: {}", ran.stderr);
    assert_as_before(&lab, &before).await;
    lab
}

/// What a controller has to delete, it has deleted.
async fn assert_as_before(lab: &Sandbox, before: &World) {
    lab.ready(SANDBOX).await;
    lab.until("nothing is left over", || {
        let names = |resource: &str| lab.store.list(resource, Some(SANDBOX)).len();
        before.objects.iter().all(|(resource, objects)| names(resource) == objects.len())
    })
    .await;
    assert_eq!(lab.world(), *before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_down() {
    comes_too_late(&["refresh"], "patch deployments/scale erp-sandbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_either_kind() {
    comes_too_late(&["refresh"], "patch applications erp-sandbox").await;
    let freeze = ["refresh", "--argocd-pause", "skip-reconcile"];
    let lab = comes_too_late(&freeze, "patch applications erp-sandbox").await;
    let application = lab.store.get("applications", "argocd", SANDBOX).expect("it is there");
    assert!(application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"].is_null(), "{application}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal() {
    comes_too_late(&["refresh"], "update leases sandbox-lifecycle").await;
}

/// Nobody forbids their creation, and nobody knows of them: the cluster deletes what belongs to a Lease or a Job that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_and_a_secret_go_with_what_they_belong_to() {
    for line in ["create jobs", "create secrets"] {
        let lab = small().await;
        let before = lab.world();
        let (_, code) = late(&lab, &["refresh"], line).await;
        assert_eq!(code, 201);
        assert_as_before(&lab, &before).await;
    }
}

/// A retry of the creation has long succeeded, the run has ended and let its Lease go: what comes late is a lock without a
/// holder and without a journal. It runs out by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_an_empty_lock_that_runs_out() {
    let lab = small().await;
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("create leases", Fault::Later(gate.clone())));
    let arguments = ["refresh-from-prod", "--min-tables", "10", "--request-timeout", "1"];
    lab.run(&arguments).await.assert_code(0);
    assert_eq!(gate.carried_out().await, ("create leases".to_owned(), 201));
    let shorten = |lease: &mut Value| lease["spec"]["leaseDurationSeconds"] = json!(1);
    lab.change("leases", SANDBOX, "sandbox-lifecycle", shorten);
    lab.run(&["recover"]).await.assert_code(0).assert_says("had left nothing to put back; its Lease is gone");
    assert!(lab.world().objects["leases"].is_empty());
}
