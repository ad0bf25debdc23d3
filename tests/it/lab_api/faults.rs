//! Requests and connections broken on purpose, and what is recorded of them.

use super::*;
use crate::support::postgres::{PostgresServer, Production};
use std::sync::Arc;

#[tokio::test]
async fn a_reset_before_has_done_nothing_and_a_reset_after_has() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    world.api.faults.add(Rule::on_write(0, Fault::ResetBefore));
    let post = PostParams::default();
    let broken = api.create(&post, &config_map("before")).await.expect_err("reset");
    assert!(!matches!(broken, Error::Api(_)), "{broken}");
    world.api.faults.add(Rule::on_line("create configmaps", Fault::ResetAfter));
    api.create(&post, &config_map("after")).await.expect_err("reset");
    assert!(world.api.faults.are_spent());
    assert!(world.store.get("configmaps", NS, "before").is_none());
    assert!(world.store.get("configmaps", NS, "after").is_some());
}

#[tokio::test]
async fn a_request_hangs_until_the_gate_opens() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let gate = Gate::new();
    world.api.faults.add(Rule::on_write(0, Fault::Hang(gate.clone())));
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
    api.create(&post, &config_map("one")).await.expect("the first write");
    assert_eq!(refusal(api.create(&post, &config_map("two")).await.expect_err("refused")).0, 422);
    api.delete("one", &DeleteParams::default()).await.expect("the third write");
    assert_eq!(world.api.record.writes(), ["create configmaps", "delete configmaps one"]);
    let rights = world.api.record.rights();
    assert!(rights.iter().any(|right| right.0 == "delete" && right.2 == "configmaps" && right.3 == NS));
}

#[tokio::test]
async fn a_watch_is_cut_in_the_middle() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let mut events = api.watch(&WatchParams::default(), "0").await.expect("a watch").boxed();
    api.create(&PostParams::default(), &config_map("one")).await.expect("created");
    assert!(matches!(events.try_next().await, Ok(Some(WatchEvent::Added(_)))));
    world.api.reset_connections();
    let end = timeout(LONG, events.try_next()).await.expect("it ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
    world.api.faults.add(Rule::on(|seen| seen.verb() == "watch", Fault::CutAfterSent(200)));
    let cut = async { api.watch(&WatchParams::default(), "0").await?.try_collect::<Vec<_>>().await };
    timeout(LONG, cut).await.expect("it ends").expect_err("cut");
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let world = World::new().await;
    world.api.faults.add(Rule::on(|_| true, Fault::RetryAfter { code: 429, seconds: 7 }).for_ever());
    let url = format!("{}/version", world.api.url());
    let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let text = raw(address.expect("an address"), "GET /version HTTP/1.1\r\nhost: lab\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 429"), "{text}");
    assert!(text.contains("retry-after: 7\r\n"), "{text}");
    assert!(text.contains("\"reason\":\"TooManyRequests\""), "{text}");
    assert_eq!(world.api.record.all()[0].code, Some(429));
    world.api.faults.clear();
    world.api.record.clear();
    let text = raw(address.expect("an address"), "GET /version HTTP/1.1\r\nhost: lab\r\n\r\n").await;
    assert!(text.contains("v1.33"), "{text}");
}

/// One request, and what comes back until the end of the answer's body.
async fn raw(address: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    while !text.ends_with(b"}\n") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.expect("read");
        assert!(read > 0, "the connection ended");
        text.extend_from_slice(&part[..read]);
    }
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn an_answer_can_be_late_held_back_or_never_come() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let post = PostParams::default();
    let late = Duration::from_millis(80);
    world.api.faults.add(Rule::on_write(0, Fault::Delay(late)));
    let began = std::time::Instant::now();
    api.create(&post, &config_map("late")).await.expect("created");
    assert!(began.elapsed() >= late);
    let gate = Gate::new();
    world.api.faults.add(Rule::on_write(0, Fault::HangAfter(gate.clone())));
    let held = config_map("held");
    let release = async {
        gate.reached().await;
        assert!(world.store.get("configmaps", NS, "held").is_some(), "it is done already");
        gate.open();
    };
    let (made, ()) = tokio::join!(api.create(&post, &held), release);
    made.expect("answered in the end");
    world.api.faults.add(Rule::on_write(0, Fault::Stall));
    let lost = config_map("lost");
    let never = timeout(Duration::from_millis(300), api.create(&post, &lost)).await;
    assert!(never.is_err(), "an answer came: {never:?}");
    assert!(world.store.get("configmaps", NS, "lost").is_some(), "it is done");
}

#[tokio::test]
async fn a_fault_happens_as_often_as_it_is_told() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    world.api.faults.add(Rule::on_line("get configmaps one", Fault::code(403)).times(2).after(1));
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(refusal(api.get("one").await.expect_err("never there")).0);
    }
    assert_eq!(codes, [404, 403, 403, 404]);
}

#[tokio::test]
async fn an_upload_is_cut_and_what_was_sent_is_on_record() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let address = world.api.url().trim_start_matches("http://").to_owned();
    let post = |body: &str| {
        let length = body.len();
        let path = format!("/api/v1/namespaces/{NS}/configmaps");
        let head = format!("POST {path} HTTP/1.1\r\nhost: lab\r\nuser-agent: tester/1\r\n");
        format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    raw(&address, &post(r#"{"metadata": {"name": "small"}}"#)).await;
    let seen = world.api.record.all().pop().expect("it is on record");
    assert_eq!(seen.body["metadata"]["name"], "small");
    assert_eq!((seen.content_type.as_str(), seen.user_agent.as_str()), ("application/json", "tester/1"));
    assert!(seen.at.elapsed() < LONG);
    // Counted from the matching request on, over the connection's later ones.
    world.api.faults.add(Rule::on(|seen| seen.path == "/version", Fault::CutAfterReceived(10_000)));
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connected");
    stream.write_all(b"GET /version HTTP/1.1\r\nhost: lab\r\n\r\n").await.expect("sent");
    assert!(stream.read(&mut [0; 4096]).await.expect("an answer") > 0);
    let large = format!(r#"{{"metadata": {{"name": "large"}}, "data": {{"a": "{}"}}}}"#, "x".repeat(50_000));
    // Sending may fail already, reading must.
    let _ = stream.write_all(post(&large).as_bytes()).await;
    let end = timeout(LONG, stream.read(&mut [0; 4096])).await.expect("it ends");
    assert!(end.is_err(), "a reset, not a close: {end:?}");
    assert!(world.store.get("configmaps", NS, "large").is_none());
}

/// A test that waits for a program must not keep the lab from answering: under load that looked like a server that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_are_answered_while_a_database_is_waited_for() {
    let world = World::new().await;
    let api: Api<ConfigMap> = world.api().await;
    let server = Arc::new(PostgresServer::with(&Production::Small, &[]));
    let asked = server.clone();
    let sleeps = tokio::spawn(async move { asked.try_sql("postgres", "SELECT pg_sleep(60)") });
    let session = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
    while server.sql("postgres", session).is_empty() {}
    let answer = timeout(LONG, api.list(&ListParams::default())).await;
    assert!(answer.is_ok_and(|list| list.is_ok()), "no answer meanwhile");
    server.sql("postgres", &format!("SELECT pg_terminate_backend(pid) FROM ({session}) AS session"));
    assert!(sleeps.await.expect("no panic").is_err(), "it was ended");
}
