//! What goes wrong after the word leaves the old sandbox as it was, to the last row.
use super::run::{Ended, Job, Shell};
use crate::support::postgres::{PostgresServer, SANDBOX};
use sandbox_lifecycle::jobs::{Event, RESTORE, Word};
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// However busy the machine is.
const MOMENT: Duration = Duration::from_secs(10);

/// Dumps, lets `prepare` spoil something, restores with both words, and asserts that the sandbox is as before.
fn rolled_back(server: &PostgresServer, prepare: impl FnOnce(&mut Job<'_>)) -> Ended {
    let before = server.checksum(SANDBOX.database);
    let mut job = Job::new(server);
    job.dump().succeeded();
    prepare(&mut job);
    let ended = job.restore();
    assert!(!ended.told(&Event::Committed), "{ended:?}");
    assert_eq!(server.checksum(SANDBOX.database), before, "{ended:?}");
    ended
}

#[test]
fn a_statement_that_fails_anywhere() {
    let server = PostgresServer::start();
    for tag in [
        "CREATE FUNCTION",
        "CREATE TABLE",
        "CREATE VIEW",
        "ALTER TABLE",
        "CREATE INDEX",
        "CREATE TRIGGER",
        "REFRESH MATERIALIZED VIEW",
    ] {
        let ended = rolled_back(&server, |job| {
            job.server.sql(SANDBOX.database, &format!(
                "DROP SCHEMA IF EXISTS guard CASCADE; CREATE SCHEMA guard;
                 CREATE FUNCTION guard.stop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END';
                 CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('{tag}') EXECUTE FUNCTION guard.stop()"));
        });
        let refused = ended.refused(30);
        // Its own words may hold values of rows.
        assert!(refused.contains("guard.stop() line 1 at RAISE"), "{tag}: {refused}");
        assert!(!refused.contains("not today"), "{tag}: {refused}");
    }
}

#[test]
fn an_archive_that_was_cut() {
    let server = PostgresServer::start();
    for share in [2, 4, 10] {
        let ended = rolled_back(&server, |job| {
            let dump = fs::read(job.file("source.dump")).expect("the dump");
            fs::write(job.file("source.dump"), &dump[..dump.len() - dump.len() / share]).expect("a shorter one");
        });
        ended.refused(29);
    }
}

#[test]
fn a_pg_restore_that_dies_or_ends_early_and_well() {
    let server = PostgresServer::start();
    let restore = |how: &str| {
        format!(
            "case \" $* \" in *' --role='*) \"$real\" \"$@\" | head -c 400000; {how} ;; esac; exec \"$real\" \"$@\""
        )
    };
    rolled_back(&server, |job| {
        job.stand_in("pg_restore", &restore("exit 1"));
    })
    .refused(29);
    rolled_back(&server, |job| {
        job.stand_in("pg_restore", &restore("kill -s KILL $$"));
    })
    .refused(29);
    // Its status says all is well: what it left out is found, or the cut statement fails.
    let ended = rolled_back(&server, |job| {
        job.stand_in("pg_restore", &restore("exit 0"));
    });
    assert!([Some(30), Some(31)].contains(&ended.code), "{ended:?}");
}

#[test]
fn a_psql_that_is_killed_in_the_middle() {
    let server = PostgresServer::start();
    let ended = rolled_back(&server, |job| {
        job.set("VERIFY_SQL", "\\! kill -s KILL $PPID");
    });
    ended.refused(30);
}

#[test]
fn rows_that_are_not_the_dumps() {
    let server = PostgresServer::start();
    let ended = rolled_back(&server, |job| {
        let manifest = fs::read_to_string(job.file("source.manifest")).expect("the manifest");
        let other = manifest.replacen(
            "\"llx_const\", \"kind\" : \"r\", \"rows\" : 400",
            "\"llx_const\", \"kind\" : \"r\", \"rows\" : 401",
            1,
        );
        assert_ne!(manifest, other);
        fs::write(job.file("source.manifest"), other).expect("other counts");
    });
    let refused = ended.refused(31);
    assert!(refused.contains("table llx_const has 400 rows, production had 401"), "{refused}");
}

#[test]
fn a_lock_that_is_not_granted_names_who_holds_it() {
    let server = PostgresServer::start();
    let before = server.checksum(SANDBOX.database);
    let job = Job::new(&server);
    job.dump().succeeded();
    server.sql(SANDBOX.database, "BEGIN; LOCK TABLE llx_user; PREPARE TRANSACTION 'the blocker'");
    let refused = job.restore().refused(28);
    assert!(refused.contains("the blocker"), "{refused}");
    server.sql(SANDBOX.database, "ROLLBACK PREPARED 'the blocker'");
    assert_eq!(server.checksum(SANDBOX.database), before);
}

#[test]
fn the_word_abort_at_either_place_and_none_at_all() {
    let server = PostgresServer::start();
    let before = server.checksum(SANDBOX.database);
    let job = Job::new(&server);
    job.dump().succeeded();
    let mut running = job.start_restore();
    running.answer(Word::Restore, "abort");
    assert!(running.end().refused(32).contains("told to stop"));
    let impatient = RESTORE.text.replace("restore 7200", "restore 1");
    assert!(impatient != RESTORE.text && job.start_restore_of(&impatient).end().refused(32).contains("did not come"));
    let mut running = job.start_restore();
    running.answer(Word::Restore, "restore");
    running.answer(Word::Commit, "abort");
    running.end().refused(32);
    assert_eq!(server.checksum(SANDBOX.database), before);
}

#[test]
fn a_commit_whose_answer_was_lost_is_asked_after() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.dump().succeeded();
    let restore = job.set("COMMIT_SQL", "COMMIT;\n\\! kill -s KILL $PPID").restore().succeeded();
    assert!(restore.told(&Event::Committed), "{restore:?}");
    drop(job);
    rolled_back(&server, |job| {
        job.set("COMMIT_SQL", "\\! kill -s KILL $PPID");
    })
    .refused(30);
}

/// It takes the number as it stands, so without a fixed path it would be asked in the server's stead.
#[test]
fn a_function_of_the_sandbox_does_not_answer_for_the_server_what_became_of_a_commit() {
    let server = PostgresServer::start();
    let shadow = "SET ROLE erp_sandbox_role; CREATE FUNCTION public.txid_status(integer) RETURNS text LANGUAGE sql AS $$SELECT 'committed'$$";
    server.sql(SANDBOX.database, shadow);
    rolled_back(&server, |job| {
        job.set("COMMIT_SQL", "\\! kill -s KILL $PPID");
    })
    .refused(30);
}

#[test]
fn a_server_that_does_not_say_that_it_has_committed_is_not_waited_for() {
    let server = PostgresServer::start();
    let commit = text("COMMIT_SQL").replace("\nCOMMIT;", "\nROLLBACK;");
    rolled_back(&server, |job| {
        job.set("COMMIT_SQL", &commit);
    })
    .refused(30);
}

/// A text of the restore's.
fn text(name: &str) -> &'static str {
    RESTORE.files.iter().find(|(file, _)| *file == name).expect("one of its texts").1
}

#[test]
fn objects_of_the_schema_that_are_not_the_dumps() {
    let server = PostgresServer::start();
    for (changes, says) in [
        ("DROP INDEX public.llx_facture_lower_idx", "index llx_facture_lower_idx of table llx_facture is missing"),
        ("CREATE INDEX more ON public.llx_user (api_key)", "index more of table llx_user is not of production"),
        (
            "ALTER TABLE public.llx_facture DROP CONSTRAINT fk_facture_type",
            "constraint fk_facture_type of table llx_facture is missing",
        ),
        (
            "ALTER TABLE public.llx_facture DISABLE TRIGGER update_customer_modtime",
            "trigger update_customer_modtime of table llx_facture is another",
        ),
        ("DROP FUNCTION public.date_format(timestamp, text)", "is missing"),
        ("DROP VIEW public.invoices_by_year", "view invoices_by_year is missing"),
        ("ALTER TABLE public.llx_user ALTER statut SET DEFAULT 2", "table llx_user is another than production had"),
        ("ALTER TABLE public.llx_user ALTER api_key TYPE text", "table llx_user is another than production had"),
        (
            "REFRESH MATERIALIZED VIEW public.customers_by_initial WITH NO DATA",
            "materialized view customers_by_initial is another",
        ),
    ] {
        let ended = rolled_back(&server, |job| {
            job.set("SEQUENCES_SQL", &format!("{}\n{changes};\n", text("SEQUENCES_SQL")));
        });
        let refused = ended.refused(31);
        assert!(refused.contains(says), "{changes}: {refused}");
    }
}

#[test]
fn a_set_that_does_not_say_how_many_locks_it_takes_is_refused() {
    let server = PostgresServer::start();
    rolled_back(&server, |job| {
        let identity = fs::read_to_string(job.file("source.identity")).expect("its identity");
        fs::write(job.file("source.identity"), identity.replace("\"relations\"", "\"others\"")).expect("written");
    })
    .refused(25);
}

#[test]
fn sessions_of_the_application_are_ended_and_those_of_others_are_listed() {
    let server = PostgresServer::start();
    let job = Job::new(&server);
    job.dump().succeeded();
    let mut application = server.psql_as(&SANDBOX).stdin(Stdio::piped()).spawn().expect("psql runs");
    connected(&server, "v-sandbox-1");
    let ended = job.restore().succeeded();
    assert!(ended.told(&Event::Terminated { sessions: 1 }), "{ended:?}");
    drop(application.stdin.take());
    application.wait().expect("it ends");

    let before = server.checksum(SANDBOX.database);
    let mut other = server.psql(SANDBOX.database).stdin(Stdio::piped()).spawn().expect("psql runs");
    connected(&server, "postgres");
    let mut running = job.start_restore();
    running.answer(Word::Restore, "restore");
    let refused = running.end().refused(27);
    assert!(refused.contains("user postgres, application lab, from"), "{refused}");
    drop(other.stdin.take());
    other.wait().expect("it ends");
    assert_eq!(server.checksum(SANDBOX.database), before);
}

/// Waits, in the server, until this user has a session in the sandbox.
pub(super) fn connected(server: &PostgresServer, user: &str) {
    server.sql(
        "postgres",
        &format!(
            "DO $wait$ BEGIN LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT FROM pg_stat_activity
        WHERE usename = '{user}' AND datname = 'erp-sandbox'); PERFORM pg_sleep(0.01); END LOOP; END $wait$"
        ),
    );
}

/// The processes of the group that have not ended; one that nobody has asked about yet (a zombie) has.
/// What psql has started ends by itself, a moment after it.
pub(super) fn left_of(group: &str) -> String {
    let until = Instant::now() + MOMENT;
    loop {
        let left = Command::new("pgrep").args(["-l", "-r", "D,I,R,S,T,t", "-g", group]).output().expect("pgrep runs");
        if left.stdout.is_empty() || Instant::now() > until {
            return String::from_utf8_lossy(&left.stdout).into_owned();
        }
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn sigterm_ends_the_script_and_its_children_at_once() {
    for shell in Shell::all() {
        for awaited in [Word::Restore, Word::Commit] {
            let server = PostgresServer::start();
            let before = server.checksum(SANDBOX.database);
            let job = Job::under(&server, shell);
            job.dump().succeeded();
            let mut running = job.start_restore();
            if awaited == Word::Commit {
                running.answer(Word::Restore, "restore");
            }
            assert!(running.until(&Event::Waiting { r#for: awaited }));
            let group = running.child.id().to_string();
            assert!(Command::new("kill").args(["-s", "TERM", &group]).status().expect("kill runs").success());
            assert_eq!(running.end().code, Some(143), "{shell:?} {awaited:?}");
            assert_eq!(left_of(&group), "", "{shell:?} {awaited:?}");
            assert_eq!(server.checksum(SANDBOX.database), before);
        }
    }
}
