//! What differs is put back, row by row, and everything is as it was: rows to the byte, sequences, the schema.
use super::run::{Ended, Job, Shell};
use crate::support::postgres::{Access, PRODUCTION, PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Event, Mode, PutBack};
use std::process::{Command, Stdio};

/// Tables of every kind that the application's own are not.
pub(super) const ODD: &str = include_str!("odd.sql");

/// What pg_dump has to say of a database, its lines sorted: rows lie in another order after they were put back.
pub(super) fn dumped(server: &PostgresServer, access: &Access) -> Vec<String> {
    let mut pg_dump = Command::new("pg_dump");
    pg_dump.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &server.port().to_string(), "-d", access.database]);
    let output = pg_dump
        .args(["--no-owner", "--no-acl", "--schema=public"])
        .stdin(Stdio::null())
        .output()
        .expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<String> = text.lines().filter(|line| !line.contains("restrict ")).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// As the application does it: its role owns what it makes.
pub(super) fn change(server: &PostgresServer, statements: &str) {
    let text = format!("SET ROLE erp_sandbox_role;\nSET search_path = public;\n{statements}\n");
    server.sql_file(SANDBOX.database, &text);
}

pub(super) fn compared(ended: &Ended) -> (Mode, String) {
    let found = ended.events.iter().find_map(|event| match event {
        Event::Compared { mode, why, .. } => Some((*mode, why.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("it did not compare: {ended:?}"))
}

pub(super) fn put_back(ended: &Ended) -> PutBack {
    let found = ended.events.iter().find_map(|event| match event {
        Event::PutBack(moved) => Some(*moved),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("it put nothing back: {ended:?}"))
}

/// A checkpoint of a sandbox with odd tables, and a reset after each of these changes: what moved, and that all is as before.
fn reset_after(shell: Shell, changes: &[(&str, PutBack)]) {
    let server = PostgresServer::with(&Production::Small, &[]);
    change(&server, ODD);
    let before = (server.checksum(SANDBOX.database), dumped(&server, &SANDBOX));
    let mut job = Job::under(&server, shell);
    job.checkpoint().succeeded();
    for (statements, moved) in changes {
        change(&server, statements);
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Differences, "{statements}: {ended:?}");
        assert_eq!(put_back(&ended), *moved, "{statements}");
        assert_eq!(server.checksum(SANDBOX.database), before.0, "{statements}");
        assert_eq!(dumped(&server, &SANDBOX), before.1, "{statements}");
    }
}

fn moved(tables: u64, [added, changed, removed]: [u64; 3], sequences: u64) -> PutBack {
    PutBack { tables, added, changed, removed, sequences }
}

#[test]
fn rows_of_every_kind_and_sequences_are_put_back_under_each_shell() {
    for shell in Shell::all() {
        reset_after(
            shell,
            &[
                ("", moved(0, [0, 0, 0], 0)),
                // Several tables, with rows that others refer to.
                ("UPDATE llx_facture SET label = 'x' WHERE rowid < 4; DELETE FROM llx_facturedet WHERE rowid = 1;
                  INSERT INTO llx_user (rowid, login) VALUES (1001, 'new'), (1002, 'newer')", moved(3, [1, 3, 2], 0)),
                // Values of a unique column change places.
                ("UPDATE llx_user SET login = '-' WHERE rowid = 1; UPDATE llx_user SET login = 'user1' WHERE rowid = 2;
                  UPDATE llx_user SET login = 'user2' WHERE rowid = 1", moved(1, [0, 2, 0], 0)),
                // Each refers to the other.
                ("BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM odd_hen; DELETE FROM odd_egg; COMMIT", moved(2, [4, 0, 0], 0)),
                // No key: the same row several times.
                ("DELETE FROM odd_twins WHERE ctid = (SELECT min(ctid) FROM odd_twins WHERE a = 1);
                  INSERT INTO odd_twins VALUES (2, 'b')", moved(1, [1, 0, 1], 0)),
                // What is generated, what was dropped, what is an identity.
                ("UPDATE odd_made SET price = price + 1; INSERT INTO odd_made (price) VALUES (7)", moved(1, [0, 2, 1], 1)),
                // Names and values that break naive tools.
                (r#"DELETE FROM "odd ""it's""
\."; UPDATE "odd `touch injected`" SET "COPY public.x
FROM stdin;" = NULL"#, moved(2, [4, 0, 1], 0)),
                // Three states of a sequence.
                ("SELECT nextval('odd_new'), nextval('ticket_number'); ALTER SEQUENCE llx_const_rowid_seq RESTART WITH 5",
                 moved(0, [0, 0, 0], 3)),
                // Triggers that rewrite what comes, one of them ENABLE ALWAYS, one disabled.
                ("UPDATE odd_stamped SET note = note || '!'", moved(1, [0, 3, 0], 0)),
            ],
        );
    }
}

#[test]
fn a_repeated_refresh_moves_only_what_differs() {
    let productions = [Some(Production::Fixture), PostgresServer::real_dump()];
    for production in productions.iter().flatten() {
        let server = PostgresServer::with(production, &[]);
        // What a restore shows in another way than it was typed.
        server.sql(
            PRODUCTION.database,
            "SET ROLE erp_role; CREATE TABLE public.llx_checked (a varchar(9) CHECK (a IN ('it''s', 'b')));
            CREATE VIEW public.checked AS SELECT a FROM public.llx_checked WHERE a IN ('x', 'y')",
        );
        let job = Job::new(&server);
        job.dump().succeeded();
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Full, "{ended:?}");
        assert_eq!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
        server.sql(
            PRODUCTION.database,
            "UPDATE llx_societe SET import_key = 'new' WHERE rowid < 11; DELETE FROM llx_const WHERE rowid = 3",
        );
        change(
            &server,
            "UPDATE llx_const SET value = 'sandbox' WHERE rowid = 5; SELECT setval('llx_societe_rowid_seq', 99999)",
        );
        job.dump().succeeded();
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Differences, "{ended:?}");
        assert_eq!(put_back(&ended), moved(2, [0, 11, 1], 1));
        assert_eq!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
    }
}

#[test]
fn the_real_dump_is_reset_to_the_last_row() {
    let Some(real) = PostgresServer::real_dump_or_skipped() else { return };
    let server = PostgresServer::with(&real, &[]);
    let before = (server.checksum(SANDBOX.database), dumped(&server, &SANDBOX));
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    change(
        &server,
        "UPDATE llx_actioncomm SET label = label || 'x'; UPDATE llx_facture SET note_private = 'y';
        INSERT INTO llx_societe (nom) VALUES ('new'); DELETE FROM llx_events; SELECT dol_util_rebuild_sequences()",
    );
    let ended = job.restore().succeeded();
    assert_eq!(compared(&ended).0, Mode::Differences, "{ended:?}");
    assert_eq!(server.checksum(SANDBOX.database), before.0);
    assert_eq!(dumped(&server, &SANDBOX), before.1);
}

/// Its columns lie in another order after a restore: that is no other schema.
#[test]
fn an_heir_with_columns_of_its_own_order_is_compared_by_their_names() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(
        PRODUCTION.database,
        "SET ROLE erp_role; CREATE TABLE public.llx_elder (a integer, b text); CREATE TABLE public.llx_heir (c integer, b text, a integer);
        ALTER TABLE public.llx_heir INHERIT public.llx_elder; INSERT INTO public.llx_heir VALUES (1, 'b', 2)",
    );
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "0").dump().succeeded();
    assert_eq!(compared(&job.restore().succeeded()).0, Mode::Full);
    let order = "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'llx_heir'::regclass AND attnum > 0";
    assert_ne!(server.sql(SANDBOX.database, order), server.sql(PRODUCTION.database, order));
    assert_eq!(compared(&job.restore().succeeded()).0, Mode::Differences);
}

/// Rows that came before their constraint may violate it for good.
#[test]
fn rows_that_a_constraint_was_not_checked_for_are_restored_whole() {
    let made = "CREATE DOMAIN positive AS integer; CREATE TABLE odd_unchecked (a integer); CREATE TABLE odd_orphan (b integer);
        CREATE TABLE odd_counted (c positive); INSERT INTO odd_unchecked VALUES (-1); INSERT INTO odd_orphan VALUES (-2);
        INSERT INTO odd_counted VALUES (-3); ALTER TABLE odd_unchecked ADD CONSTRAINT unchecked CHECK (a > 0) NOT VALID;
        ALTER TABLE odd_orphan ADD CONSTRAINT orphan FOREIGN KEY (b) REFERENCES llx_user DEFERRABLE NOT VALID";
    let domain = "ALTER DOMAIN positive ADD CONSTRAINT counted CHECK (VALUE > 0) NOT VALID";
    for (definitions, changed, constraint) in [
        (made.to_owned(), "DELETE FROM odd_unchecked", "unchecked"),
        (made.to_owned(), "DELETE FROM odd_orphan", "orphan"),
        (format!("{made}; {domain}"), "DELETE FROM odd_counted", "counted"),
    ] {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, &definitions);
        let before = dumped(&server, &SANDBOX);
        let mut job = Job::new(&server);
        job.checkpoint().succeeded();
        change(&server, changed);
        let (mode, why) = compared(&job.restore().succeeded());
        assert!(mode == Mode::Full && why.contains(&format!("constraint {constraint} is NOT VALID")), "{why}");
        assert_eq!(dumped(&server, &SANDBOX), before, "{changed}");
    }
}

#[test]
fn comments_on_composite_types_and_targets_of_statistics_are_compared_where_the_set_knows_them() {
    let server = PostgresServer::with(&Production::Small, &[]);
    change(&server, "CREATE TYPE odd_pair AS (a integer); CREATE STATISTICS odd_both ON login, api_key FROM llx_user");
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let before = dumped(&server, &SANDBOX);
    for changed in ["COMMENT ON TYPE odd_pair IS 'other'", "ALTER STATISTICS odd_both SET STATISTICS 100"] {
        change(&server, changed);
        assert_eq!(compared(&job.restore().succeeded()), (Mode::Full, "the schema differs".to_owned()), "{changed}");
        assert_eq!(dumped(&server, &SANDBOX), before, "{changed}");
    }
    // Of an older set it is not known, and so no reason to refuse.
    let manifest = std::fs::read_to_string(job.file("source.manifest")).expect("the manifest");
    let older = manifest.replacen("\"format\" : 3", "\"format\" : 2", 1);
    assert_ne!(older, manifest);
    std::fs::write(job.file("source.manifest"), older).expect("written");
    change(&server, "COMMENT ON TYPE odd_pair IS 'other'; ALTER STATISTICS odd_both SET STATISTICS 100");
    assert_eq!(compared(&job.restore().succeeded()).0, Mode::Differences);
    job.set("FULL", "1").restore().succeeded();
    assert_eq!(dumped(&server, &SANDBOX), before);
}
