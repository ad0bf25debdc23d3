//! Argo CD: self-heal, its pause, operations in flight.

use super::*;

/// A healthy Deployment under an Application that heals.
async fn healed_world() -> (World, Api<Deployment>) {
    let world = World::new().await;
    world.deployment(1);
    world.controllers.argo.declare("deployments", deployment(1));
    world.controllers.argo.heal_after(Duration::from_millis(50));
    world
        .store
        .create("applications", refusals::application(true))
        .expect("an Application");
    world.deployment_ready(1).await;
    let api = world.api().await;
    (world, api)
}

fn replicas(store: &Store) -> Value {
    let live = store
        .get("deployments", NS, "erp-sandbox")
        .expect("it is there");
    live["spec"]["replicas"].clone()
}

fn state(store: &Store) -> Value {
    store
        .get("applications", "argocd", "erp-sandbox")
        .expect("it is there")
}

async fn scale_to_zero(api: &Api<Deployment>) {
    let zero = Patch::Merge(json!({"spec": {"replicas": 0}}));
    api.patch_scale("erp-sandbox", &PatchParams::default(), &zero)
        .await
        .expect("scaled");
}

async fn pause(world: &World) {
    let paused = json!({"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}});
    let apps = world.applications().await;
    let params = PatchParams::default();
    apps.patch("erp-sandbox", &params, &Patch::Merge(paused))
        .await
        .expect("paused");
}

#[tokio::test]
async fn self_heal_puts_replicas_back_until_it_is_paused() {
    let (world, api) = healed_world().await;
    scale_to_zero(&api).await;
    world
        .until("it is healed", |store| replicas(store) == 1)
        .await;
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
    let lasts = Duration::from_millis(300);
    let argo = &world.controllers.argo;
    argo.begin_operation(&world.store, "argocd", "erp-sandbox", lasts)
        .expect("begun");
    assert_eq!(
        state(&world.store)["status"]["operationState"]["phase"],
        "Running"
    );
    pause(&world).await;
    scale_to_zero(&api).await;
    world
        .until("the operation syncs", |store| replicas(store) == 1)
        .await;
    world
        .until("it is over", |store| {
            let state = state(store);
            let over = state["status"]["operationState"]["phase"] == "Succeeded";
            over && state.get("operation").is_none()
        })
        .await;
    assert_eq!(argo.heals(), 0);
}
