//! Whoever generates the Application and may revert the pause: named before the run, with the fix.
use super::*;
use crate::support::api::Seen;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::process::Child;

/// The Application becomes one that an ApplicationSet generates.
fn generate(lab: &Sandbox, set: Value) {
    let spec = lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["spec"].clone();
    let mut object = json!({
        "metadata": {"name": "sandboxes", "namespace": "argocd"},
        "spec": {"generators": [], "template": {"metadata": {"name": SANDBOX}, "spec": spec}},
    });
    json_patch::merge(&mut object, &json!({"spec": set}));
    lab.create("applicationsets", object);
    let set = lab.store.get("applicationsets", "argocd", "sandboxes").expect("it is there");
    lab.change("applications", "argocd", SANDBOX, |application| {
        application["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "sandboxes", "uid": set["metadata"]["uid"],
        }]);
    });
}

/// The Application becomes the child of one that heals itself.
fn adopt(lab: &Sandbox, parent: Value) {
    let child = lab.store.get("applications", "argocd", SANDBOX).expect("it is there");
    let child = json!({"metadata": {"name": SANDBOX, "namespace": "argocd"}, "spec": child["spec"]});
    lab.controllers.argo.declare("applications", child);
    let mut object = json!({
        "metadata": {"name": "root", "namespace": "argocd"},
        "spec": {
            "project": "default", "destination": {"namespace": "argocd", "server": "https://kubernetes.default.svc"},
            "source": {"repoURL": "https://git.example/apps.git", "path": "."},
            "syncPolicy": {"automated": {"selfHeal": true}},
        },
    });
    json_patch::merge(&mut object, &json!({"spec": parent}));
    lab.create("applications", object);
    lab.change("applications", "argocd", SANDBOX, |application| {
        let id = "root:argoproj.io/Application:argocd/erp-sandbox";
        application["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!(id);
    });
}

fn never_stopped(lab: &Sandbox) {
    let stopped = lab.api.record.writes().into_iter().any(|line| line.contains("deployments/scale"));
    assert!(!stopped, "the sandbox was stopped: {:?}", lab.api.record.writes());
}

/// A run that has paused and looks what has come of it: before that, the controller has all the time it needs.
fn held_after_the_pause(lab: &Sandbox) -> (Child, Gate) {
    let (gate, patched) = (Gate::new(), AtomicUsize::new(0));
    let on = move |seen: &Seen| {
        let line = seen.line();
        if line == "patch applications erp-sandbox" {
            patched.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        // Tried first, as a dry run.
        !line.ends_with("leases sandbox-lifecycle") && patched.load(Ordering::Relaxed) == 2
    };
    lab.api.faults.add(Rule::on(on, Fault::Hang(gate.clone())));
    (lab.command(REFRESH).spawn().expect("the binary starts"), gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicationset_that_reverts_the_pause_is_named_with_the_fix_and_costs_no_downtime() {
    let lab = small().await;
    generate(&lab, json!({}));
    let before = lab.world();
    let (child, gate) = held_after_the_pause(&lab);
    gate.reached().await;
    lab.until("the pause is reverted", || {
        let policy = &lab.store.get("applications", "argocd", SANDBOX).expect("it is there")["spec"]["syncPolicy"];
        policy["automated"].is_object() && policy["automated"]["enabled"] != false
    })
    .await;
    gate.open();
    let ran = finish(child).await.assert_code(1);
    let ran = ran
        .assert_says("warning: ApplicationSet sandboxes manages Application argocd/erp-sandbox and is likely to undo");
    let ran = ran.assert_says("ignoreApplicationDifferences: [{jsonPointers: [/spec/syncPolicy]}]");
    assert!(ran.stderr.contains("by argocd-applicationset-controller (Update, "), "{}", ran.stderr);
    never_stopped(&lab);
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicationset_that_ignores_the_policy_is_nothing_to_talk_about() {
    for set in [
        json!({"ignoreApplicationDifferences": [{"jsonPointers": ["/spec/syncPolicy"]}]}),
        json!({"syncPolicy": {"applicationsSync": "create-only"}}),
    ] {
        let lab = small().await;
        generate(&lab, set);
        let before = lab.world();
        let ran = lab.run(REFRESH).await.assert_code(0);
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
        assert_eq!(lab.world().sync_policy, before.sync_policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicationset_that_may_not_be_read_is_a_warning_and_no_more() {
    let lab = small().await;
    generate(&lab, json!({"ignoreApplicationDifferences": [{"jsonPointers": ["/spec/syncPolicy"]}]}));
    lab.api.faults.add(Rule::on_line("get applicationsets sandboxes", Fault::code(403)).for_ever());
    let ran = lab.run(&["--output", "json", "refresh-from-prod", "--min-tables", "10"]).await.assert_code(0);
    let warnings = ran.json()["warnings"].to_string();
    assert!(
        warnings.contains("ApplicationSet sandboxes manages Application argocd/erp-sandbox and may undo"),
        "{warnings}"
    );
}

/// `enabled` is no difference for a parent that does not declare it; `selfHeal` is, and comes back alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_heals_cannot_undo_a_pause_by_enabled() {
    let lab = small().await;
    adopt(&lab, json!({}));
    let gate = Gate::new();
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
    let before = lab.world();
    let child = lab.command(REFRESH).spawn().expect("the binary starts");
    gate.reached().await;
    lab.until("the parent has healed", || lab.sync_policy()["automated"]["selfHeal"] == true).await;
    assert_eq!(lab.sync_policy()["automated"]["enabled"], false);
    gate.open();
    let ran = finish(child).await.assert_code(0);
    ran.assert_says("warning: Application root manages").assert_says("RespectIgnoreDifferences=true");
    assert_eq!(lab.world().sync_policy, before.sync_policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_puts_a_removed_policy_back_ends_the_run_with_its_name_and_the_fix() {
    let lab = small().await;
    lab.api.set(|settings| settings.knows_automated_enabled = false);
    lab.controllers.argo.reads_past_enabled();
    adopt(&lab, json!({}));
    let before = lab.world();
    // The restore may be faster than the parent.
    let gate = Gate::new();
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
    let child = lab.command(REFRESH).spawn().expect("the binary starts");
    gate.reached().await;
    lab.until("the parent has put it back", || lab.sync_policy()["automated"].is_object()).await;
    gate.open();
    let ran = finish(child).await.assert_code(1);
    let ran =
        ran.assert_says("Application root manages it: to allow the pause, in Application root: `ignoreDifferences");
    assert!(ran.stderr.contains("by argocd-controller (Update, "), "{}", ran.stderr);
    assert!(!lab.api.record.all().iter().any(|seen| seen.path.ends_with("/exec") && seen.query.contains("commit")));
    lab.ready(SANDBOX).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_names_no_application_is_no_parent() {
    let lab = small().await;
    lab.change("applications", "argocd", SANDBOX, |application| {
        application["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "a-chart"});
    });
    let ran = lab.run(REFRESH).await.assert_code(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}
