//! What the scripts tell, as they tell it, and the lines that come of it.
use super::super::State;
use super::findings;
use crate::jobs::Event;
use serde_json::{Value, json};

fn told(value: Value) -> Event {
    Event::parse(&value.to_string()).unwrap_or_else(|| panic!("no event: {value}"))
}

/// A database of a server of this major version, looked at by a client of that.
fn examined(database: &str, server: u32, client: u32) -> Event {
    let identity = json!({
        "server_version_num": server * 10_000, "server": format!("{server}.1"), "database": database, "database_oid": server,
        "role": "login", "read_at": "2026-11-28T00:00:00Z",
    });
    told(json!({
        "event": "examined", "identity": identity, "client_major": client, "powers": [], "memberships": [], "owner": "owner",
        "bytes": 5_u64 << 30, "sessions": [], "room": [{"of": "server", "most": 100, "left": 90}],
    }))
}

fn refused(code: i32, reason: &str) -> Event {
    told(json!({"event": "refused", "code": code, "reason": reason}))
}

/// The one line of this check: its state, and all that it says.
fn line(source: &[Event], target: &[Event], check: &str) -> (State, String) {
    let mut lines: Vec<_> = findings(source, target).into_iter().filter(|finding| finding.check == check).collect();
    assert_eq!(lines.len(), 1, "{check}: {lines:?}");
    let finding = lines.remove(0);
    (finding.state, format!("{} {}", finding.says, finding.fix.unwrap_or_default()))
}

#[track_caller]
fn assert_line(found: &(State, String), state: State, words: &[&str]) {
    assert_eq!(found.0, state, "{}", found.1);
    for word in words {
        assert!(found.1.contains(word), "{word:?} is not in {}", found.1);
    }
}

#[test]
fn versions_that_do_not_fit_say_which_is_to_be_another() {
    let of = |production, sandbox, client| {
        line(&[examined("erp", production, client)], &[examined("erp-sandbox", sandbox, client)], "versions")
    };
    assert_line(&of(15, 15, 15), State::Ok, &["production 15.1, sandbox 15.1, client 15"]);
    assert_line(&of(15, 17, 17), State::Ok, &["production 15.1, sandbox 17.1"]);
    assert_line(&of(17, 15, 17), State::Warning, &["cannot be restored into the older", "a server of version 17"]);
    assert_line(&of(15, 17, 15), State::Warning, &["takes no checkpoint", "--pg-image docker.io/library/postgres:17"]);
    let older = refused(
        12,
        "pg_dump is of version 15, older than the server's 17. Fix: --pg-image docker.io/library/postgres:17",
    );
    let found = line(&[examined("erp", 17, 15), older], &[examined("erp-sandbox", 15, 15)], "versions");
    assert_line(&found, State::Failed, &["older than the server's 17", "--pg-image docker.io/library/postgres:17"]);
}

#[test]
fn a_lock_table_that_is_too_small_fails_and_is_not_said_to_be_well() {
    let refusal = refused(25, "a restore takes 10000 locks, and the server's lock table has room for 6400");
    let target = [examined("erp-sandbox", 15, 15), refusal];
    let found = line(&[examined("erp", 15, 15)], &target, "lock table");
    assert_line(&found, State::Failed, &["room for 6400", "max_locks_per_transaction"]);
    assert!(!findings(&[], &target).iter().any(|finding| finding.check == "restore"));
}

#[test]
fn a_volume_that_is_smaller_than_production_is_a_warning() {
    let with = |free_kilobytes: u64| {
        let scratch = told(json!({"event": "scratch", "free_kilobytes": free_kilobytes}));
        line(&[examined("erp", 15, 15)], &[examined("erp-sandbox", 15, 15), scratch], "sizes")
    };
    assert_line(&with(9 << 20), State::Ok, &["free for the dump"]);
    assert_line(&with(1 << 20), State::Warning, &["production 5", "ephemeral storage"]);
}
