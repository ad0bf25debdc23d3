//! Deployments, Jobs and garbage.

use super::*;

fn pods(store: &Store) -> Vec<Value> {
    store.list("pods", Some(NS))
}

#[tokio::test]
async fn a_deployment_gets_its_pods_and_loses_them() {
    let world = World::new().await;
    world.deployment(2);
    world.deployment_ready(2).await;
    let pod = &pods(&world.store)[0];
    assert!(pod["metadata"]["labels"]["pod-template-hash"].is_string());
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    let api: Api<Deployment> = world.api().await;
    let available = conditions::is_deployment_completed();
    let wait = await_condition(api.clone(), "erp-sandbox", available);
    timeout(LONG, wait)
        .await
        .expect("in time")
        .expect("watched");
    let zero = Patch::Merge(json!({"spec": {"replicas": 0}}));
    api.patch_scale("erp-sandbox", &PatchParams::default(), &zero)
        .await
        .expect("scaled");
    world
        .until("the Pods are gone", |store| pods(store).is_empty())
        .await;
    world.deployment_ready(0).await;
    let live = world
        .store
        .get("deployments", NS, "erp-sandbox")
        .expect("it is there");
    assert!(
        live["status"].get("replicas").is_none(),
        "Go leaves a zero out: {live}"
    );
}

#[tokio::test]
async fn a_new_template_rolls_to_new_pods() {
    let world = World::new().await;
    world.deployment(1);
    world.deployment_ready(1).await;
    let before = pods(&world.store)[0]["metadata"]["name"].clone();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    let api: Api<Deployment> = world.api().await;
    api.patch("erp-sandbox", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .expect("patched");
    world
        .until("the old Pod is replaced", |store| {
            let pods = pods(store);
            pods.len() == 1 && pods[0]["metadata"]["name"] != before
        })
        .await;
}

#[tokio::test]
async fn a_job_completes_or_fails() {
    let world = World::new().await;
    let api: Api<Job> = world.api().await;
    for (name, kind) in [("true", "Complete"), ("false", "Failed")] {
        api.create(&PostParams::default(), &job(name, name))
            .await
            .expect("created");
        let ended = |job: Option<&Job>| {
            let status = job.and_then(|job| job.status.as_ref());
            let all = status.and_then(|status| status.conditions.as_ref());
            all.is_some_and(|all| {
                all.iter()
                    .any(|one| one.type_ == kind && one.status == "True")
            })
        };
        let wait = await_condition(api.clone(), name, ended);
        timeout(LONG, wait)
            .await
            .expect("in time")
            .expect("watched");
    }
    let failed = world.store.get("jobs", NS, "false").expect("it is there");
    let all = failed["status"]["conditions"]
        .as_array()
        .expect("conditions");
    assert!(
        all.iter()
            .any(|one| one["reason"] == "BackoffLimitExceeded"),
        "{failed}"
    );
    assert_eq!(failed["status"]["failed"], 1);
    assert!(failed["status"].get("active").is_none());
}

#[tokio::test]
async fn a_job_past_its_deadline_loses_its_pod() {
    let world = World::new().await;
    let mut late = job("late", "sleep");
    late.spec.as_mut().expect("a spec").active_deadline_seconds = Some(1);
    let api: Api<Job> = world.api().await;
    api.create(&PostParams::default(), &late)
        .await
        .expect("created");
    world
        .until("the Job has failed", |store| {
            let job = store.get("jobs", NS, "late").expect("it is there");
            job["status"]["conditions"].as_array().is_some_and(|all| {
                all.iter()
                    .any(|one| one["type"] == "Failed" && one["reason"] == "DeadlineExceeded")
            })
        })
        .await;
    world
        .until("its Pod is gone", |store| pods(store).is_empty())
        .await;
}

#[tokio::test]
async fn a_job_is_forgotten_after_its_time_to_live() {
    let world = World::new().await;
    let mut brief = job("brief", "true");
    brief
        .spec
        .as_mut()
        .expect("a spec")
        .ttl_seconds_after_finished = Some(1);
    let api: Api<Job> = world.api().await;
    api.create(&PostParams::default(), &brief)
        .await
        .expect("created");
    world
        .until("Job and Pod are gone", |store| {
            store.list("jobs", None).is_empty() && pods(store).is_empty()
        })
        .await;
}

fn one_pod(store: &Store) -> bool {
    pods(store)
        .iter()
        .any(|pod| pod["status"]["phase"] == "Running")
}

fn job_gone(store: &Store) -> bool {
    store.list("jobs", None).is_empty()
}

#[tokio::test]
async fn a_jobs_pods_outlive_it_unless_the_delete_says_otherwise() {
    let world = World::new().await;
    let api: Api<Job> = world.api().await;
    api.create(&PostParams::default(), &job("one", "sleep"))
        .await
        .expect("created");
    world.until("the Pod runs", one_pod).await;
    api.delete("one", &DeleteParams::default())
        .await
        .expect("deleted");
    world.until("the Job is gone", job_gone).await;
    let orphan = pods(&world.store).pop().expect("the Pod stays");
    assert!(
        orphan["metadata"].get("ownerReferences").is_none(),
        "{orphan}"
    );
    let pod: Api<Pod> = world.api().await;
    let name = orphan["metadata"]["name"].as_str().expect("a name");
    pod.delete(name, &DeleteParams::default())
        .await
        .expect("deleted");
    world
        .until("the orphan is gone", |store| pods(store).is_empty())
        .await;

    api.create(&PostParams::default(), &job("two", "sleep"))
        .await
        .expect("created");
    world.until("the Pod runs", one_pod).await;
    let owner = world.store.get("jobs", NS, "two").expect("it is there");
    let secret = json!({"metadata": {"name": "two-source", "namespace": NS, "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "Job", "name": "two", "uid": owner["metadata"]["uid"],
    }]}});
    world.store.create("secrets", secret).expect("a Secret");
    api.delete("two", &DeleteParams::foreground())
        .await
        .expect("deleted");
    world
        .until("all is gone", |store| {
            job_gone(store) && pods(store).is_empty() && store.list("secrets", None).is_empty()
        })
        .await;
}

#[tokio::test]
async fn what_the_controllers_write_is_of_the_schema() {
    let world = World::new().await;
    world.deployment(1);
    world.deployment_ready(1).await;
    let jobs: Api<Job> = world.api().await;
    jobs.create(&PostParams::default(), &job("one", "true"))
        .await
        .expect("created");
    world
        .until("the Job is complete", |store| {
            let job = store.get("jobs", NS, "one").expect("it is there");
            job["status"]["completionTime"].is_string()
        })
        .await;
    let strict = PatchParams {
        field_validation: Some(kube::api::ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}}}));
    jobs.patch("one", &strict, &patch)
        .await
        .expect("no unknown field");
    let deployments: Api<Deployment> = world.api().await;
    deployments
        .patch("erp-sandbox", &strict, &patch)
        .await
        .expect("no unknown field");
    let all: Api<Pod> = world.api().await;
    for pod in all.list(&ListParams::default()).await.expect("a list") {
        let name = pod.metadata.name.expect("a name");
        all.patch(&name, &strict, &patch)
            .await
            .expect("no unknown field");
    }
}
