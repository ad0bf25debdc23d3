//! The bracket around a run, without a run: what it puts back on the ways out that no real run takes on purpose.
mod dropped;
mod others;

use crate::support::api::{Api, Fault, Rule, Runtime, Settings};
use crate::support::store::Store;
use futures::stream::{self, StreamExt};
use sandbox_lifecycle::cluster::Cluster;
use sandbox_lifecycle::cluster::lease::{Held, Taken};
use sandbox_lifecycle::guard::Guard;
use sandbox_lifecycle::outcome::Outcome;
use sandbox_lifecycle::report::{Event, Report};
use sandbox_lifecycle::shutdown::{Interrupted, Shutdown};
use sandbox_lifecycle::undo::Undo;
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

const NS: &str = "erp-sandbox";
const HOLDER: &str = "tester@here/1/cafe";

/// A cluster in which nothing acts but the guard.
struct World {
    store: Store,
    api: Api,
    cluster: Cluster,
    report: Recorder,
}

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Report for Recorder {
    fn event(&self, event: Event<'_>) {
        self.0.lock().expect("no panic here").push(event.to_string());
    }
}

impl World {
    async fn new() -> Self {
        let store = Store::new();
        store.create("namespaces", json!({"metadata": {"name": NS}})).expect("a namespace");
        let pod = json!({
            "metadata": {"labels": {"app": NS}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}]},
        });
        let spec = json!({"replicas": 3, "selector": {"matchLabels": {"app": NS}}, "template": pod});
        let deployment = json!({"metadata": {"name": NS, "namespace": NS}, "spec": spec});
        store.create("deployments", deployment).expect("a Deployment");
        let api = Api::start(store.clone(), Runtime::absent(), Settings::default()).await.expect("a loopback port");
        let config = kube::Config::new(api.url().parse().expect("a URL"));
        let cluster = Cluster::with(config, Duration::from_secs(5)).expect("a client");
        Self { store, api, cluster, report: Recorder::default() }
    }

    async fn held(&self) -> Held {
        match self.cluster.take_lease(NS, HOLDER, "test").await.expect("it can be taken") {
            Taken::Mine(held) => held,
            Taken::Others(found) => panic!("{} has it", found.holder),
        }
    }

    /// A bracket with a body that ends by itself.
    async fn around(&self, body: impl AsyncFnOnce(&Guard<'_>) -> anyhow::Result<()>) -> Outcome {
        let mut shutdown = Shutdown::on(stream::empty());
        Guard::around(&self.cluster, &self.report, &mut shutdown, self.held().await, body).await
    }

    fn replicas(&self) -> i64 {
        let deployment = self.store.get("deployments", NS, NS).expect("the Deployment");
        deployment["spec"]["replicas"].as_i64().unwrap_or(0)
    }

    fn lease(&self) -> Option<serde_json::Value> {
        self.store.get("leases", NS, "sandbox-lifecycle")
    }

    fn said(&self) -> String {
        self.report.0.lock().expect("no panic here").join("\n")
    }
}

fn scale_back() -> Undo {
    Undo::ScaleTo { namespace: NS.into(), deployment: NS.into(), replicas: 3, down_at: None }
}

/// The change that every test here makes.
async fn stop(world: &World, guard: &Guard<'_>) -> anyhow::Result<()> {
    guard.before_change(scale_back()).await?;
    let version = world.cluster.deployment(NS, NS).await?.version;
    world.cluster.scale(NS, NS, 0, &version).await
}

#[tokio::test]
async fn a_panic_is_put_back_and_told_as_a_bug() {
    let world = World::new().await;
    let outcome = world
        .around(async |guard| {
            stop(&world, guard).await?;
            panic!("no such luck")
        })
        .await;
    assert_eq!(outcome.code(), 1);
    let cause = format!("{:#}", outcome.cause.expect("a cause"));
    assert!(cause.contains("a bug in this program: no such luck"), "{cause}");
    assert_eq!((world.replicas(), world.lease()), (3, None));
}

#[tokio::test]
async fn a_second_signal_leaves_the_rest_to_recover_and_says_so() {
    let world = World::new().await;
    let line = format!("patch deployments/scale {NS}");
    let gate = crate::support::api::Gate::new();
    world.api.faults.add(Rule::on_line(&line, Fault::Hang(gate.clone())).after(1).for_ever());
    let undoing = gate.clone();
    let second = stream::once(async move {
        undoing.reached().await;
        Interrupted::Sigterm
    });
    let (changed, is_changed) = tokio::sync::oneshot::channel::<()>();
    let first = stream::once(async {
        // Either way it is time: the sender is dropped.
        let _ = is_changed.await;
        Interrupted::Sigint
    });
    let mut shutdown = Shutdown::on(first.chain(second));
    let held = world.held().await;
    let outcome = Guard::around(&world.cluster, &world.report, &mut shutdown, held, async |guard| {
        stop(&world, guard).await?;
        drop(changed);
        std::future::pending().await
    })
    .await;
    assert_eq!(outcome.code(), 3);
    assert_eq!(outcome.left[0].what, scale_back().to_string());
    assert_eq!(format!("{:#}", outcome.left[0].error), "terminated (SIGTERM) again");
    let lease = world.lease().expect("it keeps the journal");
    assert!(lease["spec"]["renewTime"].is_null(), "nobody has to wait for it: {lease}");
    world.api.faults.clear();
    let found = world.cluster.find_lease(NS).await.expect("readable").expect("it is there");
    assert!(found.is_abandoned());
    let journal: Vec<Undo> = serde_json::from_str(found.journal.as_deref().expect("a journal")).expect("undos");
    assert_eq!(journal, [scale_back()]);
    let held = world.cluster.take_over(found, "another@there/2/beef").await.expect("taken over");
    let mut shutdown = Shutdown::on(stream::empty());
    let outcome = Guard::recover(&world.cluster, &world.report, &mut shutdown, held, journal).await;
    assert_eq!((outcome.code(), world.replicas(), world.lease()), (0, 3, None));
}

/// A run that has failed is putting back when somebody loses patience with it: that is what they want.
#[tokio::test]
async fn a_first_signal_while_it_puts_back_already_ends_nothing() {
    let world = World::new().await;
    let gate = crate::support::api::Gate::new();
    let line = format!("patch deployments/scale {NS}");
    world.api.faults.add(Rule::on_line(&line, Fault::Hang(gate.clone())).after(1));
    let undoing = gate.clone();
    let signal = stream::once(async move {
        undoing.reached().await;
        Interrupted::Sigint
    });
    let mut shutdown = Shutdown::on(signal);
    let held = world.held().await;
    let run = Guard::around(&world.cluster, &world.report, &mut shutdown, held, async |guard| {
        stop(&world, guard).await?;
        anyhow::bail!("that is the end")
    });
    let (outcome, ()) = tokio::join!(run, async {
        while !world.said().contains("another signal ends that") {
            tokio::task::yield_now().await;
        }
        gate.open();
    });
    assert_eq!((outcome.code(), world.replicas(), world.lease()), (1, 3, None), "{}", world.said());
}

#[tokio::test]
async fn a_run_that_has_lost_its_lease_makes_no_further_change_and_puts_nothing_back() {
    let world = World::new().await;
    let outcome = world
        .around(async |guard| {
            stop(&world, guard).await?;
            let theirs = |lease: &mut serde_json::Value| lease["spec"]["holderIdentity"] = "thief@there/2/beef".into();
            world.store.mutate("leases", NS, "sandbox-lifecycle", theirs).expect("it is there");
            world.api.record.clear();
            guard.settle(|_| true).await
        })
        .await;
    assert_eq!(outcome.code(), 3);
    let left = format!("{:#}", outcome.left[0].error);
    assert_eq!(left, "thief@there/2/beef has the Lease now, and plays its journal back");
    assert_eq!(world.replicas(), 0, "that is the new holder's");
    assert_eq!(world.api.record.writes(), [""; 0]);
    let lease = world.lease().expect("the new holder's");
    let journal = lease["metadata"]["annotations"]["sandbox-lifecycle/journal"].as_str();
    assert!(journal.is_some_and(|journal| journal.contains("scale-to")), "{lease}");
}

#[tokio::test]
async fn a_hangup_never_ends_the_putting_back() {
    let world = World::new().await;
    let gate = crate::support::api::Gate::new();
    let line = format!("patch deployments/scale {NS}");
    world.api.faults.add(Rule::on_line(&line, Fault::Hang(gate.clone())).after(1));
    let undoing = gate.clone();
    let (open, heard) = (gate.clone(), stream::iter([Interrupted::Sighup; 2]));
    let hangups = stream::once(async move { undoing.reached().await }).flat_map(move |()| heard.clone());
    let mut shutdown = Shutdown::on(hangups.chain(stream::once(async move {
        // Both have been taken by now.
        open.open();
        Interrupted::Sighup
    })));
    let held = world.held().await;
    let outcome = Guard::around(&world.cluster, &world.report, &mut shutdown, held, async |guard| {
        stop(&world, guard).await?;
        anyhow::bail!("that is the end")
    })
    .await;
    assert_eq!((outcome.code(), world.replicas(), world.lease()), (1, 3, None), "{}", world.said());
}

#[tokio::test]
async fn a_lease_that_somebody_deleted_stops_the_run_and_everything_is_put_back() {
    let world = World::new().await;
    let outcome = world
        .around(async |guard| {
            stop(&world, guard).await?;
            let now = crate::support::store::DeleteOptions::now();
            world.store.delete("leases", NS, "sandbox-lifecycle", now).expect("it was there");
            guard.prove_lease().await
        })
        .await;
    assert_eq!(outcome.code(), 1);
    assert!(format!("{:#}", outcome.cause.expect("a cause")).contains("was taken or deleted by somebody else"));
    assert_eq!((world.replicas(), world.lease()), (3, None));
}

#[tokio::test]
async fn what_somebody_deleted_needs_no_putting_back_and_does_not_stop_the_rest() {
    let world = World::new().await;
    let secret = Undo::DeleteSecret { namespace: NS.into(), name: "copy".into() };
    let outcome = world
        .around(async |guard| {
            guard.before_change(secret.clone()).await?;
            world.store.create("secrets", json!({"metadata": {"name": "copy", "namespace": NS}})).expect("created");
            stop(&world, guard).await?;
            let now = crate::support::store::DeleteOptions::now();
            world.store.delete("deployments", NS, NS, now).expect("it was there");
            anyhow::bail!("that is the end")
        })
        .await;
    assert_eq!(outcome.code(), 1, "{:?}", outcome.left);
    assert!(world.said().contains("somebody deleted it meanwhile"), "{}", world.said());
    assert!(world.store.get("secrets", NS, "copy").is_none());
    assert_eq!(world.lease(), None);
}

#[tokio::test]
async fn one_undo_that_fails_does_not_stop_the_next_and_alone_stays_in_the_journal() {
    let world = World::new().await;
    let line = "delete secrets copy";
    world.api.faults.add(Rule::on_line(line, Fault::code(403)).for_ever());
    let secret = Undo::DeleteSecret { namespace: NS.into(), name: "copy".into() };
    let outcome = world
        .around(async |guard| {
            stop(&world, guard).await?;
            guard.before_change(secret.clone()).await?;
            anyhow::bail!("that is the end")
        })
        .await;
    assert_eq!((outcome.code(), world.replicas()), (3, 3));
    let found = world.cluster.find_lease(NS).await.expect("readable").expect("it is there");
    let journal: Vec<Undo> = serde_json::from_str(found.journal.as_deref().expect("a journal")).expect("undos");
    assert_eq!(journal, [secret]);
}
