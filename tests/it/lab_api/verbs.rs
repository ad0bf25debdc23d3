//! Reads, writes, patches, watches, refusals.

use super::*;

#[tokio::test]
async fn an_object_is_created_read_listed_and_deleted() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let made = api
        .create(&PostParams::default(), &config_map("one"))
        .await
        .expect("created");
    assert!(made.metadata.uid.is_some() && made.metadata.creation_timestamp.is_some());
    let again = api.create(&PostParams::default(), &config_map("one")).await;
    let (code, reason, message) = refusal(again.expect_err("a second of the same name"));
    assert_eq!((code, reason.as_str()), (409, "AlreadyExists"));
    assert_eq!(message, "configmaps \"one\" already exists");
    let list = api
        .list(&ListParams::default().fields("metadata.name=one"))
        .await
        .expect("a list");
    assert_eq!(list.items.len(), 1);
    assert!(list.metadata.resource_version.is_some());
    let gone = api
        .delete("one", &DeleteParams::default())
        .await
        .expect("deleted");
    assert!(
        gone.right().is_some_and(|status| status.is_success()),
        "a Status, as for most kinds"
    );
    let (code, reason, message) = refusal(api.get("one").await.expect_err("it is gone"));
    assert_eq!((code, reason.as_str()), (404, "NotFound"));
    assert_eq!(message, "configmaps \"one\" not found");
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_is_not_there() {
    let world = World::new().await;
    let api: Api<ConfigMap> = Api::namespaced(world.client().await, "nowhere");
    let refused = api.create(&PostParams::default(), &config_map("one")).await;
    let (code, _, message) = refusal(refused.expect_err("no namespace"));
    assert_eq!(
        (code, message.as_str()),
        (404, "namespaces \"nowhere\" not found")
    );
    assert_eq!(
        api.list(&ListParams::default())
            .await
            .expect("a list")
            .items
            .len(),
        0
    );
}

#[tokio::test]
async fn a_stale_update_is_a_conflict_and_an_equal_one_is_no_write() {
    let world = World::new().await;
    let api: Api<Lease> = world.api().await;
    let lease = json!({"metadata": {"name": "sandbox-lifecycle"}, "spec": {"holderIdentity": "a"}});
    let lease: Lease = serde_json::from_value(lease).expect("a Lease");
    let first = api
        .create(&PostParams::default(), &lease)
        .await
        .expect("created");
    let mut second = first.clone();
    second.spec.as_mut().expect("a spec").holder_identity = Some("b".into());
    let post = PostParams::default();
    let second = api
        .replace("sandbox-lifecycle", &post, &second)
        .await
        .expect("updated");
    assert_ne!(
        first.metadata.resource_version,
        second.metadata.resource_version
    );
    let same = api
        .replace("sandbox-lifecycle", &post, &second)
        .await
        .expect("updated");
    assert_eq!(
        same.metadata.resource_version,
        second.metadata.resource_version
    );
    let stale = api
        .replace("sandbox-lifecycle", &post, &first)
        .await
        .expect_err("stale");
    let (code, reason, message) = refusal(stale);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(message.starts_with("Operation cannot be fulfilled on leases.coordination.k8s.io"));
    let blind = api
        .replace("sandbox-lifecycle", &post, &lease)
        .await
        .expect_err("no version");
    assert!(
        refusal(blind)
            .2
            .ends_with("must be specified for an update")
    );
    let by_patch = json!({"metadata": {"resourceVersion": first.metadata.resource_version}, "spec": {"holderIdentity": "c"}});
    let stale = api
        .patch(
            "sandbox-lifecycle",
            &PatchParams::default(),
            &Patch::Merge(by_patch),
        )
        .await;
    assert_eq!(refusal(stale.expect_err("stale")).0, 409);
}

#[tokio::test]
async fn patches_of_every_kind_are_applied() {
    let world = World::new().await;
    world.deployment(1);
    let api: Api<Deployment> = world.api().await;
    let params = PatchParams::apply("tester");
    let merge = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let merged = api
        .patch("erp-sandbox", &params, &merge)
        .await
        .expect("patched");
    assert_eq!(merged.spec.expect("a spec").replicas, Some(3));
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "erp:2"}]}}}});
    let strategic = Patch::Strategic(image);
    let changed = api
        .patch("erp-sandbox", &params, &strategic)
        .await
        .expect("patched");
    let spec = changed
        .spec
        .expect("a spec")
        .template
        .spec
        .expect("a Pod's spec");
    assert_eq!(spec.containers.len(), 1);
    assert_eq!(spec.containers[0].image.as_deref(), Some("erp:2"));
    assert_eq!(changed.metadata.generation, Some(3));
    let steps = json!([{"op": "test", "path": "/spec/replicas", "value": 7}]);
    let steps: json_patch::Patch = serde_json::from_value(steps).expect("a JSON patch");
    let refused = api
        .patch(
            "erp-sandbox",
            &PatchParams::default(),
            &Patch::Json::<()>(steps),
        )
        .await;
    let (code, _, message) = refusal(refused.expect_err("the test fails"));
    assert_eq!(code, 422);
    assert_eq!(
        message,
        "the server rejected our request due to an error in our request"
    );
    let managers = changed.metadata.managed_fields.expect("signed");
    assert!(
        managers
            .iter()
            .any(|one| one.manager.as_deref() == Some("tester"))
    );
}

#[tokio::test]
async fn apply_creates_and_then_merges() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let params = PatchParams::apply("tester");
    let wish = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}});
    api.patch("one", &params, &Patch::Apply(&wish))
        .await
        .expect("created");
    let wish = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"b": "2"}});
    let both = api
        .patch("one", &params, &Patch::Apply(&wish))
        .await
        .expect("merged");
    assert_eq!(both.data.expect("data").len(), 2);
}

#[tokio::test]
async fn scale_leaves_a_zero_out_and_refuses_less() {
    let world = World::new().await;
    world.deployment(2);
    world.deployment_ready(2).await;
    let api: Api<Deployment> = world.api().await;
    let zero = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let params = PatchParams::default();
    let scale = api
        .patch_scale("erp-sandbox", &params, &zero)
        .await
        .expect("scaled");
    assert_eq!(scale.spec.expect("a spec").replicas, None);
    let live = api.get("erp-sandbox").await.expect("it is there");
    assert_eq!(live.spec.expect("a spec").replicas, Some(0));
    let less = Patch::Merge(json!({"spec": {"replicas": -1}}));
    let refused = api
        .patch_scale("erp-sandbox", &params, &less)
        .await
        .expect_err("negative");
    assert_eq!(refusal(refused).0, 422);
}

#[tokio::test]
async fn a_watch_tells_what_enters_and_leaves_a_selection() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let start = api
        .list(&ListParams::default())
        .await
        .expect("a list")
        .metadata
        .resource_version;
    let params = WatchParams::default()
        .labels("app=erp,tier in (front,back)")
        .timeout(20);
    let events = api
        .watch(&params, &start.expect("a version"))
        .await
        .expect("a watch");
    let mut events = events.boxed();
    api.create(&PostParams::default(), &config_map("one"))
        .await
        .expect("created");
    for labels in [
        json!({"app": "erp", "tier": "back"}),
        json!({"app": "erp", "tier": "none"}),
    ] {
        let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
        api.patch("one", &PatchParams::default(), &patch)
            .await
            .expect("patched");
    }
    let mut next = async || {
        timeout(LONG, events.try_next())
            .await
            .expect("in time")
            .expect("whole")
    };
    assert!(matches!(next().await, Some(WatchEvent::Added(_))));
    assert!(matches!(next().await, Some(WatchEvent::Deleted(_))));
}

#[tokio::test]
async fn a_watch_from_a_forgotten_past_is_told_so() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    world.store.forget_history();
    let mut events = api
        .watch(&WatchParams::default(), "1")
        .await
        .expect("a watch")
        .boxed();
    match events.try_next().await.expect("whole") {
        Some(WatchEvent::Error(status)) => assert_eq!(status.code, 410),
        other => panic!("not an error: {other:?}"),
    }
}

#[tokio::test]
async fn a_quiet_watch_sends_bookmarks_and_ends_in_time() {
    let world = World::new().await;
    world
        .api
        .set(|settings| settings.bookmark_every = Duration::from_millis(50));
    let api: Api<ConfigMap> = world.api().await;
    let params = WatchParams::default().timeout(1);
    let events = api
        .watch(&params, "0")
        .await
        .expect("a watch")
        .try_collect::<Vec<_>>();
    let events = timeout(LONG, events)
        .await
        .expect("it ends")
        .expect("cleanly");
    assert!(
        events
            .iter()
            .all(|event| matches!(event, WatchEvent::Bookmark(_)))
    );
    assert!(events.len() > 2, "{events:?}");
}

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
