//! What others do to the Lease meanwhile: whoever labels or annotates it leaves it this run's, whoever takes it has it.
use super::*;
use crate::support::api::{Gate, Seen};
use crate::support::store::DeleteOptions;
use std::sync::atomic::{AtomicU32, Ordering};

#[tokio::test]
async fn a_lease_that_others_write_to_is_written_again_as_long_as_it_is_this_runs() {
    let world = World::new().await;
    let outcome = world
        .around(async |guard| {
            stop(&world, guard).await?;
            let (store, writes) = (world.store.clone(), AtomicU32::new(0));
            // Just before each of the next three.
            let outrun = move |seen: &Seen| {
                let number = writes.load(Ordering::Relaxed);
                if seen.line() == "update leases sandbox-lifecycle" && number < 3 {
                    writes.store(number + 1, Ordering::Relaxed);
                    let label = |lease: &mut serde_json::Value| {
                        lease["metadata"]["labels"]["seen"] = number.to_string().into();
                    };
                    store.mutate("leases", NS, "sandbox-lifecycle", label).expect("it is there");
                }
                false
            };
            world.api.faults.add(Rule::on(outrun, Fault::ResetBefore).for_ever());
            guard.settle(|_| true).await
        })
        .await;
    assert_eq!((outcome.code(), world.replicas(), world.lease()), (0, 3, None), "{}", world.said());
}

/// A laptop that was closed while it put back, or a network that was away: another run has come, and has recovered all.
#[tokio::test]
async fn one_that_has_slept_while_it_puts_back_changes_nothing_under_another_run() {
    let world = World::new().await;
    let gate = Gate::new();
    world.api.faults.add(Rule::on_line("delete secrets copy", Fault::Hang(gate.clone())));
    let run = world.around(async |guard| {
        stop(&world, guard).await?;
        guard.before_change(Undo::DeleteSecret { namespace: NS.into(), name: "copy".into() }).await?;
        anyhow::bail!("that is the end")
    });
    let (outcome, ()) = tokio::join!(run, async {
        gate.reached().await;
        let now = DeleteOptions::now();
        world.store.delete("leases", NS, "sandbox-lifecycle", now).expect("it was there");
        let taken = world.cluster.take_lease(NS, "another@there/2/beef", "test").await.expect("it can be taken");
        assert!(matches!(taken, Taken::Mine(_)));
        gate.open();
    });
    assert_eq!((outcome.code(), world.replicas()), (3, 0), "it is the other one's: {}", world.said());
    let left = outcome.left.last().expect("the replicas").to_string();
    let why = "another@there/2/beef has the Lease now, and knows nothing of this run's journal";
    assert!(left.contains(why) && left.contains("not before that run has ended"), "{left}");
}
