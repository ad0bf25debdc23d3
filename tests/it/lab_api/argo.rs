//! Argo CD: self-heal, its pause, operations in flight.

use super::*;

/// A healthy Deployment under an Application that heals.
async fn healed_world() -> (World, Api<Deployment>) {
    let world = World::new().await;
    world.deployment(1);
    world.controllers.argo.declare("deployments", deployment(1));
    world.controllers.argo.heal_after(Duration::from_millis(50));
    world.store.create("applications", refusals::application(true)).expect("an Application");
    world.deployment_ready(1).await;
    let api = world.api().await;
    (world, api)
}

fn replicas(store: &Store) -> Value {
    let live = store.get("deployments", NS, "erp-sandbox").expect("it is there");
    live["spec"]["replicas"].clone()
}

fn state(store: &Store) -> Value {
    store.get("applications", "argocd", "erp-sandbox").expect("it is there")
}

async fn scale_to_zero(api: &Api<Deployment>) {
    let zero = Patch::Merge(json!({"spec": {"replicas": 0}}));
    api.patch_scale("erp-sandbox", &PatchParams::default(), &zero).await.expect("scaled");
}

async fn pause(world: &World) {
    let paused = json!({"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}});
    let apps = world.applications().await;
    let params = PatchParams::default();
    apps.patch("erp-sandbox", &params, &Patch::Merge(paused)).await.expect("paused");
}

#[tokio::test]
async fn self_heal_puts_replicas_back_until_it_is_paused() {
    let (world, api) = healed_world().await;
    scale_to_zero(&api).await;
    world.until("it is healed", |store| replicas(store) == 1).await;
    assert_eq!(world.controllers.argo.heals(), 1);
    pause(&world).await;
    scale_to_zero(&api).await;
    let drift = |store: &Store| state(store)["status"]["sync"]["status"] == "OutOfSync";
    world.until("the drift is seen", drift).await;
    assert_eq!(replicas(&world.store), 0);
    assert_eq!(world.controllers.argo.heals(), 1);
}

#[tokio::test]
async fn an_operation_in_flight_syncs_in_spite_of_the_pause() {
    let (world, api) = healed_world().await;
    let lasts = Duration::from_secs(3600);
    let argo = &world.controllers.argo;
    argo.begin_operation(&world.store, "argocd", "erp-sandbox", lasts).expect("begun");
    assert_eq!(state(&world.store)["status"]["operationState"]["phase"], "Running");
    pause(&world).await;
    scale_to_zero(&api).await;
    argo.end_operations(&world.store);
    world.until("the operation syncs", |store| replicas(store) == 1).await;
    world
        .until("it is over", |store| {
            let state = state(store);
            let over = state["status"]["operationState"]["phase"] == "Succeeded";
            over && state.get("operation").is_none()
        })
        .await;
    assert_eq!(argo.heals(), 0);
}

#[tokio::test]
async fn a_new_commit_syncs_with_self_heal_off_but_not_with_automated_sync_off() {
    let (world, api) = healed_world().await;
    let argo = &world.controllers.argo;
    pause(&world).await;
    scale_to_zero(&api).await;
    argo.commit(&world.store);
    world.until("the commit is synced", |store| replicas(store) == 1).await;
    assert_eq!(argo.heals(), 0);
    let off = json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}});
    let apps = world.applications().await;
    apps.patch("erp-sandbox", &PatchParams::default(), &Patch::Merge(off)).await.expect("off");
    scale_to_zero(&api).await;
    argo.commit(&world.store);
    world.until("the drift is seen", |store| state(store)["status"]["sync"]["status"] == "OutOfSync").await;
    assert_eq!(replicas(&world.store), 0);
    // A controller of before 3.1 reads past the field.
    argo.reads_past_enabled();
    argo.commit(&world.store);
    world.until("the commit is synced", |store| replicas(store) == 1).await;
}

#[tokio::test]
async fn a_terminated_operation_ends_without_a_sync() {
    let (world, api) = healed_world().await;
    let argo = &world.controllers.argo;
    argo.begin_operation(&world.store, "argocd", "erp-sandbox", Duration::from_secs(3600)).expect("begun");
    pause(&world).await;
    scale_to_zero(&api).await;
    let terminating = json!({"status": {"operationState": {"phase": "Terminating"}}});
    let apps = world.applications().await;
    apps.patch("erp-sandbox", &PatchParams::default(), &Patch::Merge(terminating)).await.expect("asked");
    world.until("it has failed", |store| state(store)["status"]["operationState"]["phase"] == "Failed").await;
    assert_eq!(replicas(&world.store), 0);
}

#[tokio::test]
async fn a_scale_down_and_a_patch_are_signed_with_their_fields() {
    let (world, api) = healed_world().await;
    pause(&world).await;
    scale_to_zero(&api).await;
    let live = world.store.get("deployments", NS, "erp-sandbox").expect("it is there");
    let entries = live["metadata"]["managedFields"].as_array().expect("entries").clone();
    let owner = |path: &str| {
        let mut owners = entries.iter().filter(|entry| entry["fieldsV1"].pointer(path).is_some());
        (owners.next().cloned().unwrap_or_default(), owners.count())
    };
    let (entry, others) = owner("/f:spec/f:replicas");
    assert_eq!(
        (entry["subresource"].as_str(), entry["operation"].as_str(), others),
        (Some("scale"), Some("Update"), 0)
    );
}
