//! HorizontalPodAutoscalers and KEDA: what would start the sandbox in the middle of its restore is refused.
use super::*;

fn autoscaler(min: u32, target: &str) -> Value {
    json!({
        "metadata": {"name": "load", "namespace": SANDBOX},
        "spec": {
            "minReplicas": min, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        },
    })
}

fn scaled_object(annotations: Value) -> Value {
    json!({
        "metadata": {"name": "load", "namespace": SANDBOX, "annotations": annotations},
        "spec": {"scaleTargetRef": {"name": SANDBOX}, "triggers": []},
    })
}

async fn refused(lab: &Sandbox, words: &str) {
    lab.run(REFRESH).await.assert_code(1).assert_says(words);
    assert!(lab.api.record.writes().is_empty(), "{:?}", lab.api.record.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_autoscaler_sleeps_at_0_and_is_only_named() {
    let lab = small().await;
    lab.create("horizontalpodautoscalers", autoscaler(1, SANDBOX));
    let ran = lab.run(REFRESH).await.assert_code(0);
    ran.assert_says(
        "HorizontalPodAutoscaler erp-sandbox/load scales the sandbox too, but leaves it alone at 0 replicas",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_autoscaler_that_scales_from_0_is_refused_unless_it_is_anothers() {
    let lab = small().await;
    lab.create("horizontalpodautoscalers", autoscaler(0, SANDBOX));
    refused(&lab, "HorizontalPodAutoscaler erp-sandbox/load would start the sandbox in the middle of its restore")
        .await;
    lab.change("horizontalpodautoscalers", SANDBOX, "load", |object| {
        object["spec"]["scaleTargetRef"]["name"] = json!("another");
    });
    lab.run(REFRESH).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keda_is_refused_until_it_is_paused_as_it_stands() {
    let lab = small().await;
    lab.api.set(|settings| settings.keda = true);
    lab.create("scaledobjects", scaled_object(json!({})));
    refused(&lab, "annotate scaledobject load autoscaling.keda.sh/paused=true`").await;
    // Held at a number of its own is not left alone.
    let set = |annotations: Value| {
        lab.change("scaledobjects", SANDBOX, "load", |object| object["metadata"]["annotations"] = annotations);
    };
    set(json!({"autoscaling.keda.sh/paused-replicas": "0", "autoscaling.keda.sh/paused": "true"}));
    refused(&lab, "autoscaling.keda.sh/paused=true autoscaling.keda.sh/paused-replicas-`").await;
    set(json!({"autoscaling.keda.sh/paused": "false"}));
    refused(&lab, "ScaledObject erp-sandbox/load would start the sandbox").await;
    set(json!({"autoscaling.keda.sh/paused": "true"}));
    lab.run(REFRESH).await.assert_code(0).assert_says("ScaledObject erp-sandbox/load scales the sandbox too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_list_autoscalers_is_told_so_and_no_more() {
    let lab = small().await;
    lab.api.faults.add(Rule::on_line("list horizontalpodautoscalers", Fault::code(403)).for_ever());
    let ran =
        lab.run(REFRESH).await.assert_code(0).assert_says("cannot tell whether an autoscaler would start the sandbox");
    assert!(!ran.stderr.contains("ScaledObjects"), "a cluster without KEDA has none: {}", ran.stderr);
}

/// Once the sandbox is up, the autoscaler is awake again, and may have other replicas in mind.
#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_that_changes_the_replicas_right_after_the_start_is_no_failure() {
    let lab = small().await;
    let gate = Gate::new();
    let rule = Rule::on_line("patch deployments/scale erp-sandbox", Fault::HangAfter(gate.clone())).after(1);
    lab.api.faults.add(rule);
    let child = lab.command(REFRESH).spawn().expect("the binary starts");
    gate.reached().await;
    let scaled = lab.store.mutate_as("horizontal-pod-autoscaler", "deployments", SANDBOX, SANDBOX, |deployment| {
        deployment["spec"]["replicas"] = json!(2);
    });
    scaled.expect("scaled");
    gate.open();
    finish(child).await.assert_code(0);
}
