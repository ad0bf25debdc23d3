//! A reset that finds the sandbox as it was saved.
use super::differences::{ODD, change, dumped};
use super::run::Job;
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::Event;

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
        let read = server.statements_from(&mut place).matches("DO $prints$").count();
        assert_eq!(
            (told, read),
            (if statements.starts_with("CREATE") { 1 } else { 2 }, readings),
            "{statements}: {ended:?}"
        );
        assert_eq!(dumped(&server, &SANDBOX), before, "{statements}");
    }
}
