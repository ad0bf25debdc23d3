//! Whoever starts the sandbox during the restore is noticed by watch, named, and nothing is committed.
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_put_back_during_the_restore_end_it_at_once_and_name_who_did_it() {
    let lab = small().await;
    let before = lab.world();
    let ran = meddled(&lab, REFRESH, || {
        let scaled = lab.store.mutate_as("kubectl-scale", "deployments", SANDBOX, SANDBOX, |deployment| {
            deployment["spec"]["replicas"] = json!(2);
        });
        scaled.expect("scaled");
    })
    .await;
    let ran = ran.assert_code(1).assert_says("the restore was not committed");
    ran.assert_says("Deployment erp-sandbox/erp-sandbox was scaled to 2 meanwhile, by kubectl-scale (Update, ");
    lab.ready(SANDBOX).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_turned_on_during_the_restore_ends_it_at_once_and_names_who_did_it() {
    let lab = small().await;
    lab.controllers.argo.heal_after(std::time::Duration::from_secs(600));
    let before = lab.world();
    let ran = meddled(&lab, REFRESH, || {
        let armed = lab.store.mutate_as("argocd-server", "applications", "argocd", SANDBOX, |application| {
            application["spec"]["syncPolicy"]["automated"] = json!({"prune": true, "selfHeal": true});
        });
        armed.expect("armed");
    })
    .await;
    ran.assert_code(1).assert_says(
        "automated sync of Application argocd/erp-sandbox was turned on again meanwhile, by argocd-server (Update, ",
    );
    assert_put_back(&lab, &before);
}

/// The CRD was upgraded and the controller was not: no read-back can show that it reads past `enabled`.
#[tokio::test(flavor = "multi_thread")]
async fn a_controller_older_than_its_crd_does_not_heal_and_is_caught_when_it_syncs_a_commit() {
    let lab = small().await;
    lab.controllers.argo.reads_past_enabled();
    let before = lab.world();
    let ran = meddled(&lab, REFRESH, || {
        assert_eq!(lab.controllers.argo.heals(), 0);
        lab.controllers.argo.commit(&lab.store);
    })
    .await;
    ran.assert_code(1).assert_says("was scaled to 1 meanwhile, by argocd-controller (Update, ");
    lab.ready(SANDBOX).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_put_back_while_the_pods_end_are_told_as_that() {
    let lab = small().await;
    let before = lab.world();
    let gate = Gate::new();
    // The answer to the scale-down is late: somebody is faster than the wait for the Pods' end.
    let scale = "patch deployments/scale erp-sandbox";
    lab.api.faults.add(Rule::on_line(scale, Fault::HangAfter(gate.clone())));
    let child = lab.command(REFRESH).spawn().expect("the binary starts");
    gate.reached().await;
    let scaled = lab.store.mutate_as("somebody", "deployments", SANDBOX, SANDBOX, |deployment| {
        deployment["spec"]["replicas"] = json!(1);
    });
    scaled.expect("scaled");
    gate.open();
    let ran = finish(child).await.assert_code(1);
    ran.assert_says("could not stop erp-sandbox/erp-sandbox").assert_says("was scaled to 1 meanwhile, by somebody (");
    lab.ready(SANDBOX).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_may_not_be_watched_costs_no_downtime() {
    let lab = small().await;
    let before = lab.world();
    lab.api.faults.add(Rule::on_line("list applications", Fault::code(403)).for_ever());
    lab.run(REFRESH).await.assert_code(1).assert_says("cannot watch Applications: forbidden");
    assert!(!lab.api.record.writes().iter().any(|line| line.contains("scale")));
    assert_put_back(&lab, &before);
}
