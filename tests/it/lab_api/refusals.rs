//! What is refused, and in which words.

use super::*;

#[tokio::test]
async fn unknown_fields_are_refused_when_strict_and_pruned_otherwise() {
    let world = World::new().await;
    world
        .store
        .create("applications", application(true))
        .expect("an Application");
    world
        .api
        .set(|settings| settings.knows_automated_enabled = false);
    let api = world.applications().await;
    let patch = Patch::Merge(json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}}));
    let strict = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let refused = api
        .patch("erp-sandbox", &strict, &patch)
        .await
        .expect_err("strict");
    let (code, _, message) = refusal(refused);
    assert_eq!(code, 422);
    let said = "strict decoding error: unknown field \"spec.syncPolicy.automated.enabled\"";
    assert!(message.ends_with(said), "{message}");
    let pruned = api
        .patch("erp-sandbox", &PatchParams::default(), &patch)
        .await
        .expect("pruned");
    assert!(
        pruned.data["spec"]["syncPolicy"]["automated"]
            .get("enabled")
            .is_none()
    );
    world
        .api
        .set(|settings| settings.knows_automated_enabled = true);
    let kept = api
        .patch("erp-sandbox", &strict, &patch)
        .await
        .expect("known");
    assert_eq!(
        kept.data["spec"]["syncPolicy"]["automated"]["enabled"],
        false
    );
}

#[tokio::test]
async fn what_a_server_validates_is_refused_with_its_field() {
    let world = World::new().await;
    let cases: [(&str, Value, &str); 6] = [
        (
            "jobs",
            json!({"metadata": {"name": "Bad_Name"}, "spec": pod_template("Never")}),
            "metadata.name: Invalid value: \"Bad_Name\"",
        ),
        (
            "jobs",
            json!({"metadata": {"name": "one"}, "spec": pod_template("Always")}),
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
        (
            "jobs",
            json!({"metadata": {"name": "one"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": []}}}}),
            "spec.template.spec.containers: Required value",
        ),
        (
            "leases",
            json!({"metadata": {"name": "one"}, "spec": {"leaseDurationSeconds": 0}}),
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            "configmaps",
            json!({"metadata": {"name": "one", "labels": {"a": "not valid"}}}),
            "metadata.labels: Invalid value: \"not valid\"",
        ),
        (
            "configmaps",
            json!({"metadata": {"name": "one", "annotations": {"a": "x".repeat(262_144)}}}),
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
    ];
    let client = world.client().await;
    for (resource, body, said) in cases {
        let group = match resource {
            "jobs" => "apis/batch/v1",
            "leases" => "apis/coordination.k8s.io/v1",
            _ => "api/v1",
        };
        let request = hyper::Request::post(format!("/{group}/namespaces/{NS}/{resource}"))
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
            .expect("a request");
        let (code, reason, message) =
            refusal(client.request::<Value>(request).await.expect_err("invalid"));
        assert_eq!((code, reason.as_str()), (422, "Invalid"), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

fn pod_template(policy: &str) -> Value {
    json!({"template": {"spec": {"restartPolicy": policy, "containers": [{"name": "a", "image": "b"}]}}})
}

pub(super) fn application(heals: bool) -> Value {
    json!({
        "metadata": {"name": "erp-sandbox", "namespace": "argocd"},
        "spec": {
            "project": "default", "destination": {"namespace": NS, "server": "https://kubernetes.default.svc"},
            "source": {"repoURL": "https://git.example/erp", "path": "."},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": heals}},
        },
    })
}

#[tokio::test]
async fn a_job_keeps_its_template_and_a_secret_its_base64() {
    let world = World::new().await;
    let jobs: Api<Job> = world.api().await;
    jobs.create(&PostParams::default(), &job("one", "sleep"))
        .await
        .expect("created");
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "one", "image": "other"}]}}}});
    let refused = jobs
        .patch("one", &PatchParams::default(), &Patch::Strategic(patch))
        .await;
    assert!(
        refusal(refused.expect_err("immutable"))
            .2
            .contains("field is immutable")
    );
    let client = world.client().await;
    let body = json!({"metadata": {"name": "one"}, "data": {"password": "no base64!"}});
    let request = hyper::Request::post(format!("/api/v1/namespaces/{NS}/secrets"))
        .body(body.to_string().into_bytes())
        .expect("a request");
    let (code, reason, _) = refusal(
        client
            .request::<Value>(request)
            .await
            .expect_err("no base64"),
    );
    assert_eq!((code, reason.as_str()), (400, "BadRequest"));
    let texts = json!({"metadata": {"name": "one"}, "stringData": {"username": "erp"}});
    let secret: Secret = serde_json::from_value(texts).expect("a Secret");
    let secrets: Api<Secret> = world.api().await;
    let made = secrets
        .create(&PostParams::default(), &secret)
        .await
        .expect("created");
    assert_eq!(made.data.expect("data")["username"].0, b"erp");
    assert!(made.string_data.is_none());
}

#[tokio::test]
async fn a_delete_of_another_object_of_the_name_is_a_conflict() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    api.create(&PostParams::default(), &config_map("one"))
        .await
        .expect("created");
    let preconditions = Preconditions {
        uid: Some("another".into()),
        resource_version: None,
    };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        ..DeleteParams::default()
    };
    let refused = api.delete("one", &params).await.expect_err("another uid");
    assert_eq!(refusal(refused).0, 409);
    api.get("one").await.expect("it is still there");
}

#[tokio::test]
async fn who_may_not_is_told_in_the_servers_words() {
    let world = World::new().await;
    world.api.set(|settings| {
        settings.token = Some("secret-token".to_owned());
        settings.rights = Some(vec![Right::new("list", "configmaps", NS)]);
        settings.user = "x".to_owned();
    });
    let client = world.client().await;
    let leases: Api<Lease> = Api::namespaced(client.clone(), NS);
    let (code, reason, message) =
        refusal(leases.get("sandbox-lifecycle").await.expect_err("no right"));
    assert_eq!((code, reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        message,
        "leases.coordination.k8s.io \"sandbox-lifecycle\" is forbidden: User \"x\" cannot get resource \
         \"leases\" in API group \"coordination.k8s.io\" in the namespace \"erp-sandbox\""
    );
    let maps: Api<ConfigMap> = Api::namespaced(client, NS);
    maps.list(&ListParams::default()).await.expect("allowed");
    world
        .api
        .set(|settings| settings.token = Some("rotated".to_owned()));
    assert_eq!(
        refusal(
            maps.list(&ListParams::default())
                .await
                .expect_err("old token")
        )
        .0,
        401
    );
}
