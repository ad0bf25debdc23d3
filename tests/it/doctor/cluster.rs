//! The cluster's side: rights, Argo CD, Secrets, the image, quotas, the Lease.
use super::*;
use crate::support::api::{Fault, Right, Rule};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_cannot_be_used_is_the_only_line() {
    let lab = small().await;
    lab.api.set(|settings| settings.token = Some("another".to_owned()));
    let ran = lab.run(&["doctor"]).await.assert_code(1);
    // The version is everybody's; it is the first question about rights that is refused.
    ran.assert_says("does not accept the credentials");
    let unreachable = lab.run(&["doctor", "--context", "nowhere"]).await.assert_code(1);
    unreachable.assert_says("nowhere");
    lab.api.set(|settings| settings.token = None);
    lab.api.faults.add(Rule::on(|seen| seen.path == "/version", Fault::code(422)).for_ever());
    let ran = lab.run(&["doctor"]).await.assert_code(1).assert_says("check the kubeconfig");
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lacking_right_is_a_line_and_one_that_a_run_does_without_is_a_warning() {
    let lab = small().await;
    let rules: Vec<Right> = crate::support::readme::rules().iter().flat_map(|rule| rule.rights()).collect();
    lab.api.set(|settings| settings.rights = Some(rules.clone()));
    assert_well(&lab).await;
    let without = |resource: &str| rules.iter().filter(|right| right.resource != resource).cloned().collect::<Vec<_>>();
    lab.api.set(|settings| settings.rights = Some(without("deployments/scale")));
    let fix = "sandbox-lifecycle manifests rbac refresh | kubectl apply -f -";
    assert_line(&lab, &[], "rights", "failed", &["may not patch deployments/scale in namespace erp-sandbox", fix])
        .await;
    lab.api.set(|settings| settings.rights = Some(without("configmaps")));
    assert_line(&lab, &[], "rights", "warning", &["configmaps", "only to record what a run did", fix]).await;
    lab.api.set(|settings| settings.rights = Some(without("resourcequotas")));
    assert_line(&lab, &[], "quotas", "warning", &["not looked at", "resourcequotas"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_nowhere_say_which_flag_gives_them() {
    let lab = small().await;
    let missing = ["--prod-deployment", "missing"];
    assert_line(&lab, &missing, "Deployment", "failed", &["Deployment erp/missing: not found", "--prod-deployment"])
        .await;
    let missing = ["--argocd-application", "missing"];
    assert_line(&lab, &missing, "Argo CD", "failed", &["not found", "--argocd-application"]).await;
    let missing = ["--sandbox-secret", "missing"];
    assert_line(&lab, &missing, "Secret", "failed", &["not found", "--sandbox-secret"]).await;
    for command in ["checkpoint", "reset", "diff"] {
        let missing = ["--sandbox-secret", "missing", command];
        assert_line(&lab, &missing, "Secret", "failed", &["not found", "--sandbox-secret"]).await;
    }
    let refused = lab.run(&["--sandbox-secret", "missing", "reset"]).await.assert_code(1);
    refused.assert_says("missing: not found (see --sandbox-secret and --sandbox-namespace)");
    let missing = ["--container", "missing"];
    assert_line(&lab, &missing, "Deployment", "failed", &["has no container missing", "--container"]).await;
    assert_line(
        &lab,
        &["--sandbox-namespace", PROD],
        "namespaces",
        "failed",
        &["same namespace", "--sandbox-namespace"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_without_their_keys_or_with_the_same_user_are_found() {
    let lab = small().await;
    lab.change("secrets", SANDBOX, "vso-db-credentials", |secret| {
        secret["data"].as_object_mut().expect("its data").remove("password");
    });
    assert_line(&lab, &[], "Secret", "failed", &["has no key password", "username and password"]).await;
    let prod = lab.store.get("secrets", PROD, "vso-db-credentials").expect("it is there")["data"].clone();
    lab.change("secrets", SANDBOX, "vso-db-credentials", |secret| secret["data"] = prod);
    assert_line(&lab, &[], "Secret", "failed", &["the same username"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn argo_cd_is_looked_at_from_all_sides() {
    let lab = small().await;
    lab.api.set(|settings| settings.knows_automated_enabled = false);
    assert_line(&lab, &[], "Argo CD", "ok", &["before 3.1", "taking `automated` away"]).await;
    lab.api.set(|settings| settings.knows_automated_enabled = true);
    lab.change("applications", "argocd", SANDBOX, |app| app["spec"]["destination"]["namespace"] = json!("elsewhere"));
    assert_line(&lab, &[], "Argo CD", "failed", &["deploys to namespace elsewhere", "--sandbox-namespace"]).await;
    lab.create("applicationsets", json!({"metadata": {"name": "sandboxes", "namespace": "argocd"}, "spec": {}}));
    let set = lab.store.get("applicationsets", "argocd", "sandboxes").expect("it is there");
    lab.change("applications", "argocd", SANDBOX, |app| {
        app["spec"]["destination"]["namespace"] = json!(SANDBOX);
        app["spec"]["syncPolicy"] = json!({});
        app["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "sandboxes", "uid": set["metadata"]["uid"],
        }]);
    });
    assert_line(&lab, &[], "Argo CD", "warning", &["does not sync by itself", "sandbox-lifecycle status"]).await;
    assert_line(&lab, &[], "Argo CD", "warning", &["ApplicationSet sandboxes", "ignoreApplicationDifferences"]).await;
    let autoscaler = json!({"minReplicas": 0, "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": SANDBOX}});
    set_spec(&lab, "horizontalpodautoscalers", "load", autoscaler);
    assert_line(&lab, &[], "autoscalers", "failed", &["HorizontalPodAutoscaler", "minReplicas 0: set it to 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_a_pod_cannot_have_is_found_and_one_that_runs_is_named() {
    let lab = small().await;
    let pod = |name: &str, image: &str| {
        let container = json!({"name": "main", "image": image, "command": ["sleep", "600"]});
        set_spec(&lab, "pods", name, json!({"restartPolicy": "Never", "containers": [container]}));
    };
    assert_line(&lab, &[], "image", "ok", &["only the Job will tell"]).await;
    pod("client", image::POSTGRES);
    pod("broken", "registry.example/none:1");
    lab.until("one runs and one does not", || {
        let state = |name: &str| {
            let pod = lab.store.get("pods", SANDBOX, name).unwrap_or_default();
            pod["status"]["containerStatuses"][0]["state"].to_string()
        };
        state("client").contains("running") && state("broken").contains("Pull")
    })
    .await;
    assert_line(&lab, &[], "image", "ok", &["Pod client has it"]).await;
    let none = ["--pg-image", "registry.example/none:1"];
    assert_line(&lab, &none, "image", "failed", &["registry.example/none:1", "--pg-image"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_jobs_pod_out_is_found() {
    let lab = small().await;
    set_spec(&lab, "resourcequotas", "tight", json!({"hard": {"pods": "0"}}));
    assert_line(&lab, &[], "quotas", "failed", &["ResourceQuota tight has no room", "pods 0 used of 0", "make room"])
        .await;
    // And that is what a run meets.
    let ran = lab.run(&["--min-tables", "10", "refresh-from-prod"]).await.assert_code(1);
    ran.assert_says("exceeded quota");
    let range = json!({"limits": [{"type": "Container", "max": {"memory": "512Mi"}}]});
    set_spec(&lab, "limitranges", "small", range);
    assert_line(&lab, &[], "quotas", "failed", &["LimitRange small refuses", "memory limit of 1Gi"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_golden_pod_is_judged_by_its_own_size_and_one_that_is_kept_by_none() {
    let lab = small().await;
    // More than the golden Pod asks for, and less than a refresh's.
    set_spec(&lab, "limitranges", "large", json!({"limits": [{"type": "Container", "min": {"cpu": "50m"}}]}));
    let refused = ["LimitRange large refuses the golden Pod", "cpu request of 10m is below the minimum"];
    for command in ["checkpoint", "reset", "diff"] {
        assert_line(&lab, &[command], "quotas", "failed", &refused).await;
    }
    assert_line(&lab, &["refresh"], "quotas", "ok", &["keeps the Job's Pod out"]).await;
    lab.store.delete("limitranges", SANDBOX, "large", Default::default()).expect("it is there");
    set_spec(&lab, "resourcequotas", "small", json!({"hard": {"requests.memory": "64Mi"}}));
    assert_line(&lab, &["refresh"], "quotas", "failed", &["no room for the Job's Pod", "128Mi more"]).await;
    assert_line(&lab, &["checkpoint"], "quotas", "ok", &["keeps the golden Pod out"]).await;
    lab.run(&["--min-tables", "10", "checkpoint", "--warm"]).await.assert_code(0);
    set_spec(&lab, "resourcequotas", "none", json!({"hard": {"pods": "1"}}));
    assert_line(&lab, &["reset"], "quotas", "ok", &["the golden Pod is there already"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_held_or_left_behind_is_a_warning() {
    let lab = small().await;
    let now = format!("{:.6}", jiff::Timestamp::now());
    set_spec(
        &lab,
        "leases",
        "sandbox-lifecycle",
        json!({"holderIdentity": "somebody@elsewhere/7/cafe", "leaseDurationSeconds": 30, "acquireTime": now, "renewTime": now}),
    );
    assert_line(&lab, &[], "Lease", "warning", &["is held by somebody@elsewhere/7/cafe since", "recover"]).await;
    lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| {
        lease["spec"].as_object_mut().expect("its spec").remove("renewTime");
    });
    assert_line(&lab, &[], "Lease", "warning", &["has ended and left", "sandbox-lifecycle recover"]).await;
}
