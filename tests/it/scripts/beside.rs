//! The second session, which reads the rows while the first one reads the schema: with it and without it the same is put back.
use super::differences::{change, compared};
use super::run::{Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Mode, RESTORE, Word};
use std::time::{Duration, Instant};

/// The second session reads for five seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// For the second session's psql alone.
fn stand_in(job: &mut Job<'_>, body: &str) {
    let is_second = "case $(readlink /proc/$$/fd/2) in *beside.err) ;; *) exec \"$real\" \"$@\" ;; esac";
    job.stand_in("psql", &format!("{is_second}\n{body}"));
}

/// However busy the machine is, the second session has begun by the time the first one is asked for it.
fn once_begun(job: &mut Job<'_>) {
    let (name, text) = RESTORE.files.iter().find(|(name, _)| *name == "FORESEEN_SQL").expect("its text");
    job.set(name, &format!("\\! until [ -e beside.begun ]; do sleep 0.01; done\n{text}"));
}

/// A checkpoint; then so much has changed, and is put back.
fn put_back(prepare: impl Fn(&PostgresServer, &mut Job<'_>), changes: &str, mode: Mode, used: bool) {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        let before = server.checksum(SANDBOX.database);
        change(&server, changes);
        prepare(&server, &mut job);
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, mode, "{shell:?} {ended:?}");
        assert!(server.checksum(SANDBOX.database) == before, "{shell:?} {ended:?}");
        assert_eq!(job.file("beside.tables").exists(), used, "{shell:?} {ended:?}");
    }
}

const ROWS: &str = "UPDATE llx_user SET login = login || '!'; SELECT nextval('ticket_number')";
const SCHEMA: &str = "ALTER TABLE llx_user ADD COLUMN more integer";

#[test]
fn a_second_session_reads_the_rows() {
    put_back(|_, job| once_begun(job), ROWS, Mode::Differences, true);
}

/// It would run as the login, which may be more than the sandbox's role.
#[test]
fn the_second_session_runs_no_function_of_the_sandbox() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    change(
        &server,
        "CREATE FUNCTION public.pg_advisory_xact_lock(integer) RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE 'as %', current_user; END$$",
    );
    job.checkpoint().succeeded();
    change(&server, ROWS);
    once_begun(&mut job);
    job.restore().succeeded();
    assert!(job.file("beside.tables").exists(), "the second session has read the rows");
}

#[test]
fn where_there_can_be_no_second_session_the_first_one_reads_the_rows_too() {
    let limited = "echo 'psql: error: FATAL:  too many connections for role' >&2; exit 2";
    put_back(|_, job| stand_in(job, limited), ROWS, Mode::Differences, false);
}

#[test]
fn a_second_session_at_another_server_is_not_believed() {
    let elsewhere = |_: &PostgresServer, job: &mut Job<'_>| {
        // Of this server, but of a transaction that is over: as little known as one of another server.
        stand_in(
            job,
            "sed 's/^.set sl_snapshot .*/\\\\set sl_snapshot 00000003-00000001-1/' <&0 | exec \"$real\" \"$@\"",
        );
    };
    put_back(elsewhere, ROWS, Mode::Differences, false);
}

#[test]
fn a_second_session_that_a_pooler_keeps_waiting_is_not_waited_for() {
    put_back(|_, job| stand_in(job, "exec sleep 1000"), ROWS, Mode::Differences, false);
}

/// Idle, it would be ended after five minutes, and large tables take longer.
#[test]
fn the_first_session_is_not_idle_while_the_second_one_reads() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let slowly = "while IFS= read -r line; do printf '%s\\n' \"$line\"; case $line in *beside.begun) echo 'SELECT pg_sleep(5);' ;; \
                  *quit) break ;; esac; done | exec \"$real\" \"$@\"";
    stand_in(&mut job, slowly);
    once_begun(&mut job);
    let mut running = job.start_restore();
    // It compares before it asks for a word.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'advisory'";
    let begun = Instant::now();
    while server.sql(SANDBOX.database, waiting).trim() != "1" {
        assert!(begun.elapsed() < LIMIT, "the first session does not wait in the server");
        std::thread::yield_now();
    }
    running.answer(Word::Restore, "restore");
    running.answer(Word::Commit, "commit");
    assert_eq!(running.end().succeeded().code, Some(0));
    assert!(job.file("beside.tables").exists());
}

#[test]
fn where_the_schema_differs_the_second_session_does_not_read_on() {
    let long = |_: &PostgresServer, job: &mut Job<'_>| {
        once_begun(job);
        let reads_long = "printf '%s\\n' 'SELECT 1 \\g beside.begun' 'SELECT pg_sleep(1000);' >long.sql";
        stand_in(job, &format!("{reads_long}\nexec \"$real\" \"$@\" <long.sql"));
    };
    put_back(long, SCHEMA, Mode::Full, false);
}
