//! A reset that leaves the sandbox as it is: it was saved so, or the word to go on does not come.
use super::differences::{ODD, change, dumped};
use super::run::Job;
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Event, Word};

#[test]
fn where_nothing_has_changed_what_was_compared_is_the_proof_and_nothing_is_read_again() {
    let server = PostgresServer::with(&Production::Small, &[]);
    change(&server, ODD);
    // One would have to be filled anew in any case.
    change(&server, "DROP MATERIALIZED VIEW customers_by_initial");
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let before = dumped(&server, &SANDBOX);
    let mut place = 0;
    for (statements, readings) in [
        ("", 1),
        ("SELECT nextval('odd_new')", 2),
        ("UPDATE llx_user SET login = login || '!'", 2),
        ("CREATE TABLE odd_bare (n integer)", 1),
    ] {
        change(&server, statements);
        server.statements_from(&mut place);
        let ended = job.restore().succeeded();
        let told =
            ended.events.iter().filter(|event| matches!(event, Event::PutBack(_) | Event::Verified { .. })).count();
        let read = server.statements_from(&mut place).matches("DO $positions$").count();
        assert_eq!(
            (told, read),
            (if statements.starts_with("CREATE") { 1 } else { 2 }, readings),
            "{statements}: {ended:?}"
        );
        assert_eq!(dumped(&server, &SANDBOX), before, "{statements}");
    }
}

#[test]
fn what_was_only_compared_is_left_as_it_is_and_can_be_written_to_again() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    for made in ["UPDATE llx_user SET login = login || '!'", "CREATE TABLE odd_bare (n integer)"] {
        change(&server, made);
        let changed = dumped(&server, &SANDBOX);
        let mut running = job.start_restore();
        running.answer(Word::Restore, "abort");
        let ended = running.end();
        ended.refused(32);
        assert!(ended.events.iter().any(|event| matches!(event, Event::Compared { .. })), "{made}: {ended:?}");
        assert!(!ended.events.iter().any(|event| matches!(event, Event::PutBack(_))), "{made}: {ended:?}");
        assert_eq!(dumped(&server, &SANDBOX), changed, "{made}");
        change(&server, "SET lock_timeout = '10s'; UPDATE llx_user SET login = login");
    }
}

/// It may take long to read the checkpoint: not so long does anybody wait for it.
#[test]
fn writers_are_let_go_where_the_word_does_not_come_and_all_is_compared_again() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let before = dumped(&server, &SANDBOX);
    job.stand_in("sleep", r#"[ "$1" != 30 ] || set -- 1; exec "$real" "$@""#);
    let mut running = job.start_restore();
    let waiting = Event::Waiting { r#for: Word::Restore };
    assert!(running.until(&waiting));
    change(&server, "SET lock_timeout = '20s'; UPDATE llx_user SET login = login || '!'");
    assert!(running.until(&waiting), "it asks again");
    running.say("restore");
    // Said twice it is as good as said once.
    running.say("restore");
    running.answer(Word::Commit, "commit");
    let ended = running.end().succeeded();
    let compared = ended.events.iter().filter(|event| matches!(event, Event::Compared { .. })).count();
    assert_eq!(compared, 2, "{ended:?}");
    assert_eq!(dumped(&server, &SANDBOX), before);
}
