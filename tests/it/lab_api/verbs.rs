//! Reads, writes, patches.

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
