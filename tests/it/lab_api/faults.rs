//! Requests and connections broken on purpose, and what is recorded of them.

use super::*;

#[tokio::test]
async fn a_reset_before_has_done_nothing_and_a_reset_after_has() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    world.api.faults.add(Rule::on_write(0, Fault::ResetBefore));
    let post = PostParams::default();
    let broken = api
        .create(&post, &config_map("before"))
        .await
        .expect_err("reset");
    assert!(!matches!(broken, Error::Api(_)), "{broken}");
    world
        .api
        .faults
        .add(Rule::on_line("create configmaps", Fault::ResetAfter));
    api.create(&post, &config_map("after"))
        .await
        .expect_err("reset");
    assert!(world.api.faults.are_spent());
    assert!(world.store.get("configmaps", NS, "before").is_none());
    assert!(world.store.get("configmaps", NS, "after").is_some());
}

#[tokio::test]
async fn a_request_hangs_until_the_gate_opens() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let gate = Gate::new();
    world
        .api
        .faults
        .add(Rule::on_write(0, Fault::Hang(gate.clone())));
    let (post, map) = (PostParams::default(), config_map("one"));
    let release = async {
        gate.reached().await;
        assert!(world.store.get("configmaps", NS, "one").is_none());
        gate.open();
    };
    let (made, ()) = tokio::join!(api.create(&post, &map), release);
    made.expect("created");
}

#[tokio::test]
async fn the_nth_write_is_refused_and_the_order_of_writes_is_kept() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    world.api.faults.add(Rule::on_write(1, Fault::code(422)));
    let post = PostParams::default();
    api.create(&post, &config_map("one"))
        .await
        .expect("the first write");
    assert_eq!(
        refusal(
            api.create(&post, &config_map("two"))
                .await
                .expect_err("refused")
        )
        .0,
        422
    );
    api.delete("one", &DeleteParams::default())
        .await
        .expect("the third write");
    assert_eq!(
        world.api.record.writes(),
        ["create configmaps", "delete configmaps one"]
    );
    let rights = world.api.record.rights();
    assert!(
        rights
            .iter()
            .any(|right| right.0 == "delete" && right.2 == "configmaps" && right.3 == NS)
    );
}

#[tokio::test]
async fn a_watch_is_cut_in_the_middle() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let mut events = api
        .watch(&WatchParams::default(), "0")
        .await
        .expect("a watch")
        .boxed();
    api.create(&PostParams::default(), &config_map("one"))
        .await
        .expect("created");
    assert!(matches!(
        events.try_next().await,
        Ok(Some(WatchEvent::Added(_)))
    ));
    world.api.reset_connections();
    let end = timeout(LONG, events.try_next()).await.expect("it ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
    world.api.faults.add(Rule::on(
        |seen| seen.verb() == "watch",
        Fault::CutAfterSent(200),
    ));
    let cut = async {
        api.watch(&WatchParams::default(), "0")
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    timeout(LONG, cut).await.expect("it ends").expect_err("cut");
}
