//! Watches: selections, forgotten pasts, bookmarks.

use super::*;

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
