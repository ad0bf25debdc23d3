//! Which way a reset goes, and what goes wrong with one: the sandbox is the old one or the checkpoint, whole.
use super::adversity::connected;
use super::differences::{ODD, change, compared, dumped};
use super::run::{Ended, Job, Shell};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{DUMP, Event, Mode, Word};
use std::fs;
use std::process::{Child, Stdio};

/// A small server, and a checkpoint of its sandbox.
fn with_checkpoint(test: impl FnOnce(&PostgresServer, &mut Job<'_>)) {
    let server = PostgresServer::with(&Production::Small, &[]);
    change(&server, ODD);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    test(&server, &mut job);
}

#[test]
fn what_cannot_be_put_back_row_by_row_is_restored_whole_and_says_why() {
    with_checkpoint(|server, job| {
        let before = dumped(server, &SANDBOX);
        for (statements, why) in [
            ("ALTER TABLE llx_user ADD COLUMN more integer", "the schema differs"),
            (
                "CREATE OR REPLACE FUNCTION year(date) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 1'",
                "the schema differs",
            ),
            (
                "CREATE OR REPLACE VIEW open_invoices AS SELECT rowid, ref, ref::text AS customer, total, 1::bigint AS since FROM llx_facture",
                "the schema differs",
            ),
            ("COMMENT ON TABLE odd_stamped IS 'other'", "the schema differs"),
            ("COMMENT ON COLUMN odd_stamped.tms IS 'new'", "the schema differs"),
            ("ALTER TABLE odd_stamped ENABLE TRIGGER stamp_never", "the schema differs"),
            ("ALTER SEQUENCE odd_new INCREMENT 2", "the schema differs"),
            ("ALTER TABLE llx_user ALTER statut SET DEFAULT 2", "the schema differs"),
            ("CREATE INDEX ON llx_user (api_key)", "the schema differs"),
            ("ALTER TABLE llx_facture ALTER CONSTRAINT fk_facture_type NOT DEFERRABLE", "the schema differs"),
            ("ALTER TYPE document_state ADD VALUE 'lost'", "the schema differs"),
            ("INSERT INTO odd_base VALUES (1)", "odd_strict_fk_base_fkey of odd_strict is not deferrable"),
            ("INSERT INTO odd_root VALUES (1)", "odd_cascading_fk_root_fkey of odd_cascading"),
            (
                "INSERT INTO odd_twins SELECT g, 'x' FROM generate_series(1, 250000) g",
                "most rows are in tables that differ",
            ),
            ("INSERT INTO odd_parts VALUES (2, 2024)", "table odd_part_2024 has partitions"),
        ] {
            change(server, statements);
            let ended = job.restore().succeeded();
            let (mode, said) = compared(&ended);
            assert!(mode == Mode::Full && said.contains(why), "{statements}: {ended:?}");
            assert_eq!(dumped(server, &SANDBOX), before, "{statements}");
        }
        let ended = job.set("FULL", "1").restore().succeeded();
        assert_eq!(compared(&ended), (Mode::Full, "asked for".to_owned()));
    });
}

#[test]
fn a_role_without_temporary_tables_gets_all_restored() {
    with_checkpoint(|server, job| {
        let before = dumped(server, &SANDBOX);
        server.sql(SANDBOX.database, "REVOKE TEMPORARY ON DATABASE \"erp-sandbox\" FROM erp_sandbox_role");
        change(server, "DELETE FROM odd_twins");
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended), (Mode::Full, "temporary tables are not allowed".to_owned()));
        assert_eq!(dumped(server, &SANDBOX), before);
        assert!(job.diff().refused(41).contains("Fix: GRANT TEMPORARY"));
    });
}

/// Nothing of a materialized view is compared: it is filled from the rows that were.
#[test]
fn a_materialized_view_is_filled_anew_even_where_no_row_differs_any_more() {
    with_checkpoint(|server, job| {
        let rows = || server.sql(SANDBOX.database, "SELECT initial, count FROM customers_by_initial ORDER BY 1");
        change(server, "REFRESH MATERIALIZED VIEW customers_by_initial");
        let before = rows();
        change(
            server,
            "UPDATE llx_societe SET label = 'Zzz' || label; REFRESH MATERIALIZED VIEW customers_by_initial;
            UPDATE llx_societe SET label = substr(label, 4)",
        );
        assert_ne!(rows(), before);
        let ended = job.restore().succeeded();
        assert_eq!(rows(), before, "{ended:?}");
        let told = ended.events.iter().any(|event| {
            matches!(event, Event::Verified { not_compared, .. } if not_compared.iter().any(|what| what == "1 materialized view, filled anew from the tables"))
        });
        assert!(told, "{ended:?}");
    });
}

#[test]
fn a_set_of_an_older_version_is_restored_whole_and_says_what_was_not_compared() {
    with_checkpoint(|server, job| {
        let before = server.checksum(SANDBOX.database);
        let manifest = fs::read_to_string(job.file("source.manifest")).expect("the manifest");
        fs::write(job.file("source.manifest"), manifest.replacen("\"format\" : 3", "\"format\" : 1", 1))
            .expect("written");
        change(server, "DELETE FROM odd_twins");
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Full, "{ended:?}");
        let told = |event: &Event| matches!(event, Event::Verified { not_compared, .. } if not_compared[0].contains("the schema"));
        assert!(ended.events.iter().any(told), "{ended:?}");
        assert_eq!(server.checksum(SANDBOX.database), before);
    });
}

#[test]
fn a_table_that_the_application_makes_meanwhile_is_noticed() {
    with_checkpoint(|server, job| {
        let made = "SET ROLE erp_sandbox_role; CREATE TABLE IF NOT EXISTS public.llx_meanwhile (rowid serial)";
        job.stand_in("pg_restore", &format!("psql -Xqw -c '{made}' || exit 1; exec \"$real\" \"$@\""));
        change(server, "DELETE FROM odd_twins WHERE a = 2");
        let said = job.restore().refused(31);
        assert!(
            said.contains("table llx_meanwhile is not of the checkpoint: it was made meanwhile, run it again"),
            "{said}"
        );
        assert!(said.contains("sequence llx_meanwhile_rowid_seq"), "{said}");
    });
}

/// Changes something, resets, and asserts that all is as it was before the reset.
fn rolled_back(server: &PostgresServer, job: &Job<'_>) -> Ended {
    change(server, "UPDATE llx_user SET login = login || '!'; SELECT nextval('odd_new')");
    let before = (server.checksum(SANDBOX.database), dumped(server, &SANDBOX));
    let ended = job.restore();
    assert!(!ended.told(&Event::Committed), "{ended:?}");
    assert_eq!((server.checksum(SANDBOX.database), dumped(server, &SANDBOX)), before, "{ended:?}");
    ended
}

#[test]
fn a_set_of_another_database_is_refused() {
    with_checkpoint(|server, job| {
        job.set("SOURCE", "production");
        assert!(rolled_back(server, job).refused(21).contains("this is the database that was dumped"));
        job.set("SOURCE", "backup");
        rolled_back(server, job).refused(21);
        let mut other = Job::new(server);
        other.set("MIN_TABLES", "0").dump().succeeded();
        other.set("SOURCE", "checkpoint");
        assert!(rolled_back(server, &other).refused(21).contains("taken of another database: erp on"));
        other.set("SOURCE", "own-backup");
        assert!(rolled_back(server, &other).refused(21).contains("this one, erp-sandbox on"));
    });
}

#[test]
fn production_as_the_record_has_it_is_refused_whatever_the_checkpoint_says() {
    with_checkpoint(|server, job| {
        let identity = fs::read_to_string(job.file("source.identity")).expect("its identity");
        let here: serde_json::Value = serde_json::from_str(&identity).expect("JSON");
        let mut production = here["identity"].clone();
        production["owners"] = serde_json::json!([]);
        job.set("PRODUCTION", &production.to_string());
        assert!(rolled_back(server, job).refused(21).contains("this is production's database"));
        // Of a server that does not tell its identifier, the address does.
        production["system_identifier"] = serde_json::Value::Null;
        job.set("PRODUCTION", &production.to_string());
        assert!(rolled_back(server, job).refused(21).contains("this is production's database"));
        production["database_oid"] = 1.into();
        production["owners"] = serde_json::json!(["erp_role", "erp_sandbox_role"]);
        job.set("PRODUCTION", &production.to_string());
        let refused = rolled_back(server, job).refused(22);
        assert!(refused.contains("owned production's objects") && refused.ends_with("\nerp_sandbox_role"), "{refused}");
        production["owners"] = serde_json::json!(["erp_role"]);
        job.set("PRODUCTION", &production.to_string()).restore().succeeded();
    });
}

/// The sums of the set's two files, as `SET_SHA256` has them.
fn sums(job: &Job<'_>) -> String {
    let files = ["source.dump", "source.manifest"].map(|name| job.file(name));
    let output = std::process::Command::new("sha256sum").args(files).output().expect("sha256sum runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_set_with_one_other_byte_is_refused_before_anything_is_touched() {
    with_checkpoint(|server, job| {
        let good = sums(job);
        job.set("SET_SHA256", &good);
        for name in ["source.dump", "source.manifest"] {
            let file = job.file(name);
            let bytes = fs::read(&file).expect("the file");
            let mut spoilt = bytes.clone();
            spoilt[bytes.len() / 2] ^= 1;
            fs::write(&file, spoilt).expect("another byte");
            let ended = rolled_back(server, job);
            assert!(!ended.told(&Event::Checked), "{ended:?}");
            assert!(ended.refused(35).contains("damaged"));
            fs::write(&file, bytes).expect("as it was");
        }
        job.restore().succeeded();
    });
}

#[test]
fn a_session_that_breaks_off_or_a_statement_that_fails_leaves_the_old_sandbox() {
    with_checkpoint(|server, job| {
        job.set("VERIFY_SQL", "\\! kill -s KILL $PPID");
        rolled_back(server, job).refused(30);
        job.set("VERIFY_SQL", "SELECT 1/0;");
        assert!(rolled_back(server, job).refused(30).contains("division by zero"));
    });
}

/// A refused row ends psql, and pg_restore finds nobody to write to. Where SIGPIPE is ignored, as some runtimes have it, it says so and
/// fails by itself: it is the statement that failed all the same.
#[test]
fn a_statement_that_fails_is_not_taken_for_an_archive_that_cannot_be_read() {
    let server = PostgresServer::start();
    for pipe in ["", "trap '' PIPE; "] {
        let mut job = Job::new(&server);
        job.dump().succeeded();
        job.set("WIPE_SQL", "SELECT 1/0;");
        job.stand_in("pg_restore", &format!("{pipe}\"$real\" \"$@\" || exit 1"));
        let refused = job.restore().refused(30);
        assert!(refused.contains("division by zero"), "{refused}");
    }
}

fn session(server: &PostgresServer, statements: &str) -> Child {
    let mut psql = server.psql_as(&SANDBOX);
    psql.env("PGAPPNAME", "writer").args(["-c", statements]).stdin(Stdio::null()).stdout(Stdio::null());
    psql.spawn().expect("psql runs")
}

#[test]
fn a_writer_that_holds_on_is_named_and_one_that_comes_waits_and_never_mixes() {
    with_checkpoint(|server, job| {
        let before = server.checksum(SANDBOX.database);
        let mut writer =
            session(server, "BEGIN; UPDATE llx_user SET login = 'held' WHERE rowid = 1; SELECT pg_sleep(3600)");
        connected(server, "v-sandbox-1");
        server.until_session("application_name = 'writer' AND state = 'active' AND wait_event = 'PgSleep'");
        assert!(job.restore().refused(28).contains("application writer"));
        server.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer'",
        );
        writer.wait().expect("it ends");

        change(server, "UPDATE llx_user SET login = 'agent' WHERE rowid = 1");
        let mut running = job.start_restore();
        running.answer(Word::Restore, "restore");
        assert!(running.until(&Event::Waiting { r#for: Word::Commit }));
        let mut writer = session(server, "UPDATE llx_user SET login = login || ' wrote' WHERE rowid = 1");
        server.until_session("application_name = 'writer' AND wait_event_type = 'Lock'");
        // A reader sees the old rows, at once.
        assert_eq!(server.sql(SANDBOX.database, "SELECT login FROM llx_user WHERE rowid = 1"), "agent");
        running.say("commit");
        running.end().succeeded();
        assert!(writer.wait().expect("it ends").success());
        assert_eq!(server.sql(SANDBOX.database, "SELECT login FROM llx_user WHERE rowid = 1"), "user1 wrote");
        job.restore().succeeded();
        assert_eq!(server.checksum(SANDBOX.database), before);
    });
}

#[test]
fn credentials_are_read_from_a_mounted_secret_at_each_start() {
    with_checkpoint(|_, job| {
        let secret = tempfile::tempdir().expect("a directory");
        fs::write(secret.path().join("username"), SANDBOX.user).expect("a file");
        fs::write(secret.path().join("password"), "old").expect("a file");
        job.set("PGUSER", "").set("PGPASSWORD", "");
        job.set("CREDENTIALS_DIR", &secret.path().display().to_string());
        job.restore().refused(20);
        fs::write(secret.path().join("password"), SANDBOX.password).expect("a file");
        job.restore().succeeded();
    });
}

#[test]
fn a_checkpoint_speaks_of_the_sandbox() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "999").set("READS", "the sandbox");
    assert!(job.dump().refused(16).starts_with("the sandbox has 295 tables"));
    assert_eq!(DUMP.meaning(16), Some("the database has fewer tables than it must"));
    assert!(!job.file("source.manifest").exists() && Shell::all().contains(&Shell::Debian));
    assert_ne!(server.checksum(PRODUCTION.database), server.checksum(SANDBOX.database));
}
