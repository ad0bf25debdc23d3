//! Automated sync, off as a whole in the way that the server's version supports, and back exactly.
use super::*;

fn off() -> Value {
    json!({"spec": {"syncPolicy": {"automated": {"enabled": false, "selfHeal": false}}}})
}

fn removed() -> Value {
    json!({"spec": {"syncPolicy": {"automated": null}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn automated_sync_is_disabled_and_restored_without_a_trace() {
    let lab = small().await;
    let before = lab.world();
    lab.run(REFRESH).await.assert_code(0);
    let patches = patches(&lab);
    assert_eq!(patches[0], off());
    assert_eq!(patches.len(), 2, "{patches:?}");
    assert_eq!(lab.world().sync_policy, before.sync_policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_crd_does_not_know_enabled_automated_is_removed_and_restored() {
    for validates in [true, false] {
        let lab = small().await;
        lab.api.set(|settings| settings.knows_automated_enabled = false);
        lab.api.set(|settings| settings.validates_fields = validates);
        lab.controllers.argo.reads_past_enabled();
        let before = lab.world();
        lab.run(REFRESH).await.assert_code(0);
        assert_eq!(patches(&lab)[..2], [off(), removed()], "validates: {validates}");
        assert_eq!(lab.world().sync_policy, before.sync_policy);
        assert_eq!(lab.controllers.argo.heals(), 0);
    }
}

/// Argo CD removes a `syncPolicy` that has become empty, so its parent is not there when it is put back.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_nothing_but_automated_comes_back_whole() {
    for policy in [json!({"automated": {}}), json!({"automated": {"prune": true, "selfHeal": true}})] {
        let lab = small().await;
        lab.api.set(|settings| settings.knows_automated_enabled = false);
        set_policy(&lab, policy.clone());
        let ran = meddled(&lab, REFRESH, || {
            let application = lab.store.get("applications", "argocd", SANDBOX).expect("it is there");
            assert_eq!(application["spec"].get("syncPolicy"), None);
            lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::code(500)).for_ever());
            lab.api.reset_connections();
        })
        .await;
        ran.assert_code(1);
        assert_eq!(lab.sync_policy(), policy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_already_is_neither_touched_nor_journalled() {
    let lab = small().await;
    for policy in
        [json!({"automated": {"enabled": false, "selfHeal": true, "prune": true}}), json!({"retry": {"limit": 2}})]
    {
        set_policy(&lab, policy.clone());
        lab.run(REFRESH).await.assert_code(0).assert_says("off already: nothing to pause, and it is left so");
        assert_eq!(lab.sync_policy(), policy);
    }
    assert!(patches(&lab).is_empty(), "{:?}", patches(&lab));
    let journals = lab.api.record.all().into_iter().map(|seen| seen.body.to_string());
    assert!(!journals.into_iter().any(|body| body.contains("resume-automated-sync")));
}

/// A run was killed, and its Lease with the journal deleted by hand.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_left_off_is_said_and_never_taken_for_the_original() {
    let lab = small().await;
    let stranded = json!({"automated": {"enabled": false, "selfHeal": false, "prune": true}});
    let paused = lab.store.mutate_as("sandbox-lifecycle", "applications", "argocd", SANDBOX, |application| {
        application["spec"]["syncPolicy"] = stranded.clone();
    });
    paused.expect("paused");
    lab.run(REFRESH)
        .await
        .assert_code(0)
        .assert_says("warning: automated sync of Application argocd/erp-sandbox is off");
    assert_eq!(lab.sync_policy(), stranded);
    assert!(patches(&lab).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_commit_does_not_start_the_sandbox_while_it_is_restored() {
    for knows_enabled in [true, false] {
        let lab = small().await;
        lab.api.set(|settings| settings.knows_automated_enabled = knows_enabled);
        let production = lab.world().production;
        let gate = Gate::new();
        lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
        let child = lab.command(REFRESH).spawn().expect("the binary starts");
        gate.reached().await;
        lab.controllers.argo.commit(&lab.store);
        gate.open();
        finish(child).await.assert_code(0);
        assert_eq!(lab.world().sandbox, production);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_and_the_help_say_how_it_is_paused() {
    let lab = small().await;
    lab.run(&["--dry-run", "refresh-from-prod"]).await.assert_code(0).assert_says("automated.enabled false");
    lab.run(&["refresh", "--argocd-pause", "never"]).await.assert_code(2);
}
