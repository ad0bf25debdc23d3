//! An operation in flight: waited for, then terminated.
use super::*;
use std::time::Duration;

const IMPATIENT: &[&str] = &["refresh-from-prod", "--min-tables", "10", "--argocd-operation-timeout", "1"];

fn phase(lab: &Sandbox) -> Value {
    lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["status"]["operationState"]["phase"].clone()
}

fn begin(lab: &Sandbox, lasts: Duration) {
    lab.controllers.argo.begin_operation(&lab.store, "argocd", SANDBOX, lasts).expect("begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_in_flight_is_waited_for_before_the_sandbox_is_stopped() {
    let lab = small().await;
    begin(&lab, Duration::from_secs(3600));
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("watch applications", Fault::HangAfter(gate.clone())));
    let child = lab.command(REFRESH).spawn().expect("the binary starts");
    gate.reached().await;
    let paused = &patches(&lab)[0]["spec"]["syncPolicy"]["automated"]["enabled"];
    assert_eq!((paused, &lab.world().replicas), (&json!(false), &json!(1)));
    lab.controllers.argo.end_operations(&lab.store);
    gate.open();
    let ran = finish(child).await.assert_code(0);
    assert!(!ran.stderr.contains("terminating"), "{}", ran.stderr);
    assert_eq!(phase(&lab), "Succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_does_not_end_is_terminated_and_said_so() {
    let lab = small().await;
    begin(&lab, Duration::from_secs(3600));
    lab.run(IMPATIENT).await.assert_code(0).assert_says("has been running for 1 s: terminating it");
    assert_eq!(phase(&lab), "Failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_nobody_ends_fails_before_the_sandbox_is_stopped() {
    let lab = small().await;
    begin(&lab, Duration::from_secs(3600));
    lab.controllers.argo.is_gone(true);
    let before = lab.world();
    let ran = lab.run(IMPATIENT).await.assert_code(1);
    ran.assert_says("goes on 1 s after it was terminated; is its application controller running?");
    assert!(!lab.api.record.writes().iter().any(|line| line.contains("scale")));
    assert_put_back(&lab, &before);
}
