//! A bracket that is dropped before its end: a future that is cancelled, a bug.
use super::*;

#[tokio::test]
async fn a_bracket_that_is_dropped_puts_back_on_a_thread_of_its_own() {
    // Another runtime serves the API: this one stands still while the last resort works.
    let server = tokio::runtime::Runtime::new().expect("a runtime");
    let (sender, receiver) = tokio::sync::oneshot::channel();
    server.spawn(async move { sender.send(World::new().await).map_err(drop).expect("somebody waits") });
    let world = receiver.await.expect("a world");
    // The client of the body belongs to the runtime that it is used in.
    let world = World { cluster: world.cluster.reconnect().expect("a client"), ..world };
    let (stopped, is_stopped) = tokio::sync::oneshot::channel();
    let run = world.around(async |guard| {
        stop(&world, guard).await?;
        stopped.send(()).expect("somebody waits");
        std::future::pending().await
    });
    tokio::select! {
        _ = run => unreachable!("the body is pending"),
        stopped = is_stopped => stopped.expect("it was stopped"),
    }
    assert_eq!((world.replicas(), world.lease()), (3, None), "{}", world.said());
    assert!(world.said().contains("put back: Deployment"), "{}", world.said());
    server.shutdown_background();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bracket_that_is_dropped_leaves_what_it_cannot_put_back_in_the_lease() {
    let server = tokio::runtime::Runtime::new().expect("a runtime");
    let (sender, receiver) = tokio::sync::oneshot::channel();
    server.spawn(async move { sender.send(World::new().await).map_err(drop).expect("somebody waits") });
    let world = receiver.await.expect("a world");
    world.api.faults.add(Rule::on_line("delete secrets copy", Fault::code(422)).for_ever());
    let secret = Undo::DeleteSecret { namespace: NS.into(), name: "copy".into() };
    for (undos, left) in [(vec![], None), (vec![secret.clone(), scale_back()], Some(secret))] {
        let (journalled, is_journalled) = tokio::sync::oneshot::channel();
        let run = world.around(async |guard| {
            for undo in undos {
                guard.before_change(undo).await?;
            }
            journalled.send(()).expect("somebody waits");
            std::future::pending().await
        });
        tokio::select! {
            _ = run => unreachable!("the body is pending"),
            journalled = is_journalled => journalled.expect("it was journalled"),
        }
        let found = world.cluster.find_lease(NS).await.expect("readable");
        assert_eq!(found.is_some(), left.is_some(), "{}", world.said());
        if let (Some(found), Some(left)) = (found, left) {
            assert!(found.is_abandoned(), "nobody has to wait for it");
            let journal: Vec<Undo> = serde_json::from_str(found.journal.as_deref().expect("a journal")).expect("undos");
            assert_eq!(journal, [left]);
            assert!(world.said().contains("by hand: kubectl -n erp-sandbox delete secret copy"), "{}", world.said());
        }
    }
    server.shutdown_background();
}
