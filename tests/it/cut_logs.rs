//! Streams of a Job's log that end well before their end, as they do when the API server or the kubelet restarts: no line is lost, none
//! is taken twice, and none is read by half.

use crate::support::api::{EarlyEnd, Fault, Gate, Kept, Rule, Seen};
use crate::support::postgres::{Production, SANDBOX as ACCESS};
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};
use serde_json::Value;

const ARGUMENTS: &[&str] =
    &["--min-tables", "10", "--output", "json", "refresh-from-prod", "--full", "--after-restore-sql", "after.sql"];
/// What a node that has no more of them says at the end of every stream that follows a log.
const NO_WATCHES: &str = "failed to create fsnotify watcher: too many open files";

async fn small(statements: &str) -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    std::fs::write(lab.dir.path().join("after.sql"), statements).expect("a file");
    lab
}

/// A log that is read while its container runs, or when it has ended.
fn log(seen: &Seen, container: &str, follows: bool) -> bool {
    let query = seen.query();
    seen.path.ends_with("/log") && query.is_set("follow") == follows && query.get("container") == Some(container)
}

fn ends(lab: &Sandbox, container: &'static str, follows: bool, end: &EarlyEnd) {
    let rule = Rule::on(move |seen| log(seen, container, follows), Fault::End(end.clone()));
    lab.api.faults.add(rule.for_ever());
}

/// All that a refresh has to say of what it did.
fn told(ran: &Ran) -> Value {
    let mut report = ran.json();
    for (part, fields) in
        [("", &["run", "data_read_at", "downtime_seconds", "seconds", "steps"][..]), ("database", &["dump_bytes"])]
    {
        let part = if part.is_empty() { report.as_object_mut() } else { report[part].as_object_mut() };
        let part = part.expect("an object");
        fields.iter().for_each(|field| drop(part.remove(*field)));
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_in_or_behind_each_line_loses_no_event() {
    let lab = small("UPDATE llx_const SET value = 'masked' WHERE rowid = 3").await;
    let whole = told(&lab.run(ARGUMENTS).await.assert_code(0));
    let kinds = [Kept::Part(10), Kept::Part(40), Kept::Part(99), Kept::Text, Kept::Line].map(|kept| (kept, ""));
    for (kept, last_words) in kinds.into_iter().chain([(Kept::Line, NO_WATCHES)]) {
        lab.api.faults.clear();
        let end = EarlyEnd::once_in_each_line(kept).with_last_words(last_words);
        // The dump is short, and most of its log is read when it has ended.
        for (container, follows) in [("dump", true), ("dump", false), ("restore", true)] {
            ends(&lab, container, follows, &end);
        }
        let ran = lab.run(ARGUMENTS).await.assert_code(0);
        assert_eq!(told(&ran), whole, "{kept:?}");
        for event in
            ["source", "counted", "dumped", "checked", "waiting", "compared", "verified", "adjusted", "committed"]
        {
            let event = format!("\"{event}\"");
            assert!(end.lines().iter().any(|line| line.contains(&event)), "no stream ended at {event}: {kept:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_last_is_read_when_its_container_has_ended() {
    let lab = small("UPDATE llx_const SET value = 'masked' WHERE rowid = 3").await;
    let whole = told(&lab.run(ARGUMENTS).await.assert_code(0));
    for (container, never_followed) in [("dump", "source"), ("restore", "committed")] {
        lab.api.faults.clear();
        ends(&lab, container, true, &EarlyEnd::always_before(never_followed));
        let end = EarlyEnd::once_in_each_line(Kept::Part(40));
        ends(&lab, container, false, &end);
        let ran = lab.run(ARGUMENTS).await.assert_code(0);
        assert_eq!(told(&ran), whole, "{container}");
        assert!(end.lines().iter().any(|line| line.contains(never_followed)), "{:?}", end.lines());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_is_told_last_is_told_to_the_operator() {
    let lab = small("SELECT 1/0").await;
    let before = lab.world();
    ends(&lab, "restore", true, &EarlyEnd::always_before("refused"));
    let end = EarlyEnd::once_in_each_line(Kept::Line);
    ends(&lab, "restore", false, &end);
    let ran = lab.run(ARGUMENTS).await.assert_code(1).assert_says("division by zero");
    assert!(end.lines().iter().any(|line| line.contains("refused")), "{:?}: {}", end.lines(), ran.stderr);
    assert_eq!(lab.world(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_cut_each_time_is_said_to_be_that() {
    let lab = small("SELECT 1").await;
    let before = lab.world();
    [true, false].iter().for_each(|follows| ends(&lab, "dump", *follows, &EarlyEnd::always_before("counted")));
    let ran = lab.run(ARGUMENTS).await.assert_code(1);
    ran.assert_says("cannot read the log of container dump of Pod sandbox-refresh-")
        .assert_says("for 25 s it is cut each time");
    assert_eq!(lab.world(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_begins_a_new_file_meanwhile_takes_no_event_away() {
    let lab = small("SELECT 1").await;
    let by_rows: Vec<&str> = ARGUMENTS.iter().copied().filter(|argument| *argument != "--full").collect();
    let used = || lab.postgres.sql(ACCESS.database, "UPDATE llx_const SET value = 'used' WHERE rowid = 3");
    lab.run(ARGUMENTS).await.assert_code(0);
    used();
    let whole = told(&lab.run(&by_rows).await.assert_code(0));
    assert_eq!(whole["database"]["put_back"]["changed"], 1);
    used();
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("patch applications erp-sandbox", Fault::Hang(gate.clone())));
    let child = lab.command(&by_rows).spawn().expect("the binary starts");
    gate.reached().await;
    let pods = lab.store.list("pods", Some(SANDBOX));
    let mut names = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str());
    let pod = names.find(|name| name.starts_with("sandbox-refresh-")).expect("the Job's Pod");
    lab.kubelet.container(SANDBOX, pod, "restore").expect("it waits for its word").log().rotate();
    lab.api.reset_connections();
    gate.open();
    let ran = finish(child).await.assert_code(0);
    assert_eq!(told(&ran), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_in_a_cut_log_what_it_finds_in_a_whole_one() {
    let lab = small("SELECT 1").await;
    let doctor = &["--min-tables", "10", "--output", "json", "doctor", "--deep", "refresh-from-prod"];
    let whole = lab.run(doctor).await;
    for (container, follows) in [("source", true), ("source", false), ("target", true), ("target", false)] {
        ends(&lab, container, follows, &EarlyEnd::once_in_each_line(Kept::Part(40)));
    }
    let ran = lab.run(doctor).await;
    let checks = |ran: &Ran| {
        let checks = ran.json()["checks"].clone();
        let checks = checks.as_array().expect("checks").iter();
        checks.map(|check| (check["check"].clone(), check["state"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(checks(&ran), checks(&whole));
}
