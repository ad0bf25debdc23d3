//! The dump refuses what it must, and touches nothing.
use super::differences::change;
use super::run::{Job, Shell};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::DUMP;
use std::fs;
use std::process::Command;

#[test]
fn a_wrong_password_is_said_and_not_ignored() {
    let server = PostgresServer::start();
    let refused = Job::new(&server).set("PGPASSWORD", "wrong").dump().refused(10);
    assert!(refused.contains("password authentication failed"), "{refused}");
}

#[test]
fn an_unreachable_server_is_said() {
    let mut server = PostgresServer::start();
    server.stop();
    assert!(Job::new(&server).dump().refused(10).contains("refused"));
}

#[test]
fn a_session_that_could_write_to_production_is_refused() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.stand_in("psql", "unset PGOPTIONS; exec \"$real\" \"$@\"");
    let refused = job.dump().refused(11);
    assert!(refused.contains("pooler"), "{refused}");
    assert!(!job.file("source.dump").exists());
}

#[test]
fn an_older_client_is_refused_with_the_image_to_set() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.stand_in("pg_dump", "echo 'pg_dump (PostgreSQL) 14.13 (Debian 14.13-1)'");
    let refused = job.dump().refused(12);
    assert!(refused.contains("docker.io/library/postgres:15"), "{refused}");
}

/// What is put in front of it on PATH still comes first, as this stand-in does.
#[test]
fn the_client_is_started_and_not_the_wrapper_that_debian_puts_before_it() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        let mut job = Job::under(&server, shell);
        job.set("MIN_TABLES", "0");
        job.stand_in("pg_dump", "command -v psql >\"$SET_DIR/found\"; exec \"$real\" \"$@\"");
        job.dump().succeeded();
        let found = std::fs::read_to_string(job.file("found")).expect("where psql is");
        let wrapped = std::path::Path::new("/usr/share/postgresql-common/pg_wrapper").exists();
        assert_eq!(found.starts_with("/usr/lib/postgresql/"), wrapped, "{shell:?} {found}");
    }
}

/// The server ends the sessions of a client that has vanished with its node within minutes: until then they would keep production's
/// tables locked, by its own defaults for a quarter of an hour or two.
#[test]
fn production_does_not_wait_long_for_a_client_that_has_vanished() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.stand_in("pg_dump", "printf '%s\\n' \"$PGOPTIONS\" >>\"$SET_DIR/options\"; exec \"$real\" \"$@\"");
    let count = DUMP.files.iter().find(|(name, _)| *name == "COUNT_SQL").expect("its text").1;
    job.set("COUNT_SQL", &format!("SELECT name, setting FROM pg_settings WHERE name ~ '^tcp_' \\g settings\n{count}"));
    job.dump().succeeded();
    let told = |name: &str| std::fs::read_to_string(job.file(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
    for (name, value) in [
        ("tcp_keepalives_idle", 30),
        ("tcp_keepalives_interval", 10),
        ("tcp_keepalives_count", 3),
        ("tcp_user_timeout", 300_000),
    ] {
        assert!(told("settings").lines().any(|line| line == format!("{name}|{value}")), "{}", told("settings"));
        assert!(told("options").contains(&format!("-c {name}={value}")), "{}", told("options"));
    }
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let server = PostgresServer::start();
    server.sql(PRODUCTION.database, "CREATE TABLE secret_of_others (x integer)");
    assert!(Job::new(&server).dump().refused(13).contains("secret_of_others"));
}

#[test]
fn a_failing_pg_dump_is_a_failure_with_its_message() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.stand_in(
        "pg_dump",
        "[ \"$1\" != --version ] || exec \"$real\" --version; echo 'pg_dump: error: no space' >&2; exit 1",
    );
    assert!(job.dump().refused(14).contains("no space"));
    job.stand_in("pg_dump", "[ \"$1\" != --version ] || exec \"$real\" --version; kill -s KILL $$");
    job.dump().refused(14);
}

#[test]
fn a_dump_without_a_counted_table_is_refused() {
    let server = PostgresServer::start();
    for left_out in ["--exclude-table=llx_user", "--exclude-table-data=llx_user"] {
        let mut job = Job::new(&server);
        job.stand_in("pg_dump", &format!("exec \"$real\" \"$@\" {left_out}"));
        assert!(job.dump().refused(15).contains("tables that are missing: 1,"));
    }
    let mut job = Job::new(&server);
    job.stand_in("pg_restore", "exit 1");
    job.dump().refused(15);
}

#[test]
fn fewer_tables_than_the_minimum_are_refused_before_anything_is_dumped() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    let refused = job.set("MIN_TABLES", "296").dump().refused(16);
    assert!(refused.contains("295 tables"), "{refused}");
    assert!(!job.file("source.dump").exists());
    // An underscore is no wildcard.
    Job::new(&server).set("TABLE_PREFIX", "ll__").dump().refused(16);
}

/// For as long as it takes to make room for it.
#[test]
fn nothing_is_written_before_there_is_room_and_no_snapshot_is_taken() {
    let waits = "datname = 'erp-sandbox' AND state = 'idle' AND query LIKE 'WITH finding(code, reason)%'";
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        let mut job = Job::under(&server, shell);
        let (set, room) = (job.file("set"), job.file("room"));
        assert!(Command::new("mkfifo").arg(&room).status().is_ok_and(|status| status.success()));
        job.set("SET_DIR", &set.display().to_string()).set("MIN_TABLES", "0");
        job.set("ROOM_SH", "read -r made <room && [ \"$made\" = yes ] || { echo 'the disk is odd' >&2; exit 3; }");
        let running = |job: &mut Job| {
            let running = job.start_checkpoint();
            server.until_session(waits);
            running
        };
        let refused = running(&mut job);
        assert!(!set.exists(), "{shell:?}");
        fs::write(&room, "no\n").expect("the FIFO");
        assert!(refused.end().refused(18).contains("the disk is odd"), "{shell:?}");
        assert!(!set.exists(), "{shell:?}");
        let ended = running(&mut job);
        server.sql("postgres", &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waits}"));
        fs::write(&room, "yes\n").expect("the FIFO");
        assert!(ended.end().refused(13).contains("terminating connection"), "{shell:?}");
        let whole = running(&mut job);
        fs::write(&room, "yes\n").expect("the FIFO");
        whole.end().succeeded();
        assert!(set.join("source.manifest").exists(), "{shell:?}");
    }
}

/// Between the snapshot and its reading nobody holds it back.
#[test]
fn a_table_that_is_altered_before_it_is_read_makes_no_set() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, "CREATE TABLE thing AS SELECT i AS a, 1 AS b FROM generate_series(1, 9) i");
        let mut job = Job::under(&server, shell);
        let (taken, go) = (job.file("taken"), job.file("go"));
        assert!(Command::new("mkfifo").args([&taken, &go]).status().is_ok_and(|status| status.success()));
        let wait = format!("\\! echo >'{}'; read -r go <'{}'\n", taken.display(), go.display());
        let pinned = DUMP.files.iter().find(|(name, _)| *name == "PINNED_SQL").expect("it has it").1;
        job.set("MIN_TABLES", "0").set("PINNED_SQL", &[&wait, pinned].concat());
        let mut taken_while = |statement: &str| {
            let running = job.start_checkpoint();
            fs::read(&taken).expect("the FIFO");
            change(&server, statement);
            fs::write(&go, "\n").expect("the FIFO");
            running.end()
        };
        for statement in ["ADD c integer", "DROP b", "ALTER a TYPE bigint", "ALTER a TYPE integer USING a + 1"] {
            let refused = taken_while(&format!("ALTER TABLE thing {statement}")).refused(13);
            assert!(
                refused.contains("altered while they were read") && refused.contains("thing"),
                "{shell:?} {refused}"
            );
        }
        taken_while("TRUNCATE thing; INSERT INTO thing VALUES (5)").refused(13);
        taken_while("UPDATE thing SET a = 7; CREATE INDEX ON thing (a); CREATE TABLE another (a integer)").succeeded();
        job.set("PINNED_SQL", pinned).restore().succeeded();
        assert_eq!(server.sql(SANDBOX.database, "SELECT a FROM public.thing").trim(), "5");
    }
}

/// However long pg_dump takes, whatever a server or a role does to sessions that do nothing.
#[test]
fn the_snapshot_is_held_for_as_long_as_the_dump_takes() {
    let server = PostgresServer::with(&Production::Small, &["idle_in_transaction_session_timeout=100"]);
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "0").stand_in("pg_dump", "[ \"$1\" = --version ] || sleep 1; exec \"$real\" \"$@\"");
    job.dump().succeeded();
}
