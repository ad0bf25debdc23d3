//! The other pause: the whole Application, by `skip-reconcile`.
use super::*;

const FREEZE: &[&str] = &["refresh-from-prod", "--min-tables", "10", "--argocd-pause", "skip-reconcile"];
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";

fn annotations(lab: &Sandbox) -> Value {
    lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["metadata"]["annotations"].clone()
}

fn annotate(lab: &Sandbox, annotations: Value) {
    lab.change("applications", "argocd", SANDBOX, |object| object["metadata"]["annotations"] = annotations);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annotation_comes_back_exactly_as_it_was() {
    let lab = small().await;
    for (before, patched) in [
        (Value::Null, true),
        (json!({"team": "erp"}), true),
        (json!({"team": "erp", SKIP: "false"}), true),
        (json!({"team": "erp", SKIP: "true"}), false),
    ] {
        annotate(&lab, before.clone());
        lab.api.record.clear();
        let policy = lab.sync_policy();
        lab.run(FREEZE).await.assert_code(0);
        assert_eq!(annotations(&lab), before);
        assert_eq!(lab.sync_policy(), policy);
        assert_eq!(!patches(&lab).is_empty(), patched, "{before}");
    }
    assert_eq!(lab.controllers.argo.heals(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_taken_away_during_the_restore_ends_it() {
    let lab = small().await;
    lab.controllers.argo.heal_after(std::time::Duration::from_secs(600));
    let before = lab.world();
    let ran = meddled(&lab, FREEZE, || annotate(&lab, json!({}))).await;
    ran.assert_code(1)
        .assert_says("somebody took argocd.argoproj.io/skip-reconcile away from Application argocd/erp-sandbox");
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_ends_before_the_application_is_frozen() {
    let lab = small().await;
    let lasts = std::time::Duration::from_millis(1500);
    lab.controllers.argo.begin_operation(&lab.store, "argocd", SANDBOX, lasts).expect("begun");
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("patch applications erp-sandbox", Fault::Hang(gate.clone())));
    let child = lab.command(FREEZE).spawn().expect("the binary starts");
    gate.reached().await;
    let application = lab.store.get("applications", "argocd", SANDBOX).expect("it is there");
    assert_eq!(application["status"]["operationState"]["phase"], "Succeeded");
    gate.open();
    finish(child).await.assert_code(0);
    assert_eq!(annotations(&lab), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runs_annotation_is_recovered() {
    let lab = small().await;
    annotate(&lab, json!({SKIP: "false"}));
    let gate = Gate::new();
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
    let mut child = lab.command(FREEZE).spawn().expect("the binary starts");
    gate.reached().await;
    child.kill().await.expect("it is killed");
    assert_eq!(annotations(&lab), json!({SKIP: "true"}));
    lab.run(&["recover", "--force"])
        .await
        .assert_code(0)
        .assert_says("reconciliation of Application argocd/erp-sandbox");
    assert_eq!(annotations(&lab), json!({SKIP: "false"}));
}
