//! After the re-arming: Argo CD's own word that all is as Git says is waited for, with a limit, and never a failure.
use super::*;
use tokio::process::Child;

const IMPATIENT: &[&str] = &["refresh-from-prod", "--min-tables", "10", "--argocd-operation-timeout", "1"];

async fn synced(lab: &Sandbox) {
    let status = || lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["status"].clone();
    lab.until("Argo CD finds it Synced", || status()["sync"]["status"] == "Synced").await;
}

/// A run that has just re-armed an Application whose controller is away, and does not know yet that it is in sync.
async fn rearmed(lab: &Sandbox, arguments: &[&str]) -> (Child, Gate) {
    synced(lab).await;
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("patch applications erp-sandbox", Fault::Hang(gate.clone())).after(1));
    let child = lab.command(arguments).spawn().expect("the binary starts");
    gate.reached().await;
    lab.controllers.argo.is_gone(true);
    lab.change("applications", "argocd", SANDBOX, |object| {
        object["status"]["sync"]["status"] = json!("OutOfSync");
        object["status"]["conditions"] = json!([{"type": "SyncError", "message": "the hook went wrong"}]);
    });
    (child, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rearmed_application_is_waited_for_until_it_is_synced() {
    let lab = small().await;
    let (mut child, gate) = rearmed(&lab, REFRESH).await;
    let watched = Gate::new();
    lab.api.faults.add(Rule::on_line("watch applications", Fault::HangAfter(watched.clone())));
    gate.open();
    tokio::select! {
        _ = child.wait() => panic!("it did not wait"),
        () = watched.reached() => {}
    }
    watched.open();
    lab.controllers.argo.is_gone(false);
    lab.change("applications", "argocd", SANDBOX, |object| object["metadata"]["labels"] = json!({"a": "change"}));
    let ran = finish(child).await.assert_code(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let status = lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["status"].clone();
    assert_eq!(status["sync"]["status"], "Synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_become_synced_is_a_warning_with_what_argo_cd_says() {
    let lab = small().await;
    let (child, gate) = rearmed(&lab, IMPATIENT).await;
    gate.open();
    let ran = finish(child).await.assert_code(0);
    ran.assert_says("warning: Application argocd/erp-sandbox is re-armed, but not Synced after 1 s")
        .assert_says("Argo CD says: OutOfSync; SyncError: the hook went wrong");
}

/// A watch that is refused, or an Application that is gone: the sandbox runs, and that is what the run is for.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_read_any_more_is_a_warning() {
    let lab = small().await;
    let (child, gate) = rearmed(&lab, REFRESH).await;
    lab.api.faults.add(Rule::on_line("list applications", Fault::code(403)).for_ever());
    gate.open();
    finish(child).await.assert_code(0).assert_says("it is not known whether Application argocd/erp-sandbox is Synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_one_that_argo_cd_does_not_sync_or_did_not_find_in_sync_before() {
    let lab = small().await;
    synced(&lab).await;
    lab.controllers.argo.is_gone(true);
    let armed = lab.sync_policy();
    let frozen = json!({"argocd.argoproj.io/skip-reconcile": "true"});
    for (policy, annotations, status, said) in [
        (json!({}), json!({}), "Synced", "off already"),
        (armed.clone(), frozen, "Synced", "Re-arm Argo CD"),
        (armed, json!({}), "OutOfSync", "was not Synced before this run: not waited for"),
    ] {
        lab.change("applications", "argocd", SANDBOX, |object| {
            object["metadata"]["annotations"] = annotations.clone();
            object["spec"]["syncPolicy"] = policy.clone();
            object["status"]["sync"]["status"] = json!(status);
        });
        let ran = lab.run(REFRESH).await.assert_code(0).assert_says(said);
        assert!(!ran.stderr.contains("is re-armed, but"), "{}", ran.stderr);
    }
}
