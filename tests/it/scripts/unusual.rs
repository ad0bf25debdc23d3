//! Tables, settings and databases that are none of the application's: a reset to a checkpoint, and to one that has another's dump, both ways.
use super::based::is_based;
use super::differences::{change, compared, dumped};
use super::run::{Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::Mode;

/// Put back by rows, and wiped and restored.
fn assert_resets(job: &Job<'_>, used: &str, what: &str) {
    let before = dumped(job.server, &SANDBOX);
    for (more, mode) in [("", Mode::Differences), ("CREATE TABLE llx_made (rowid integer)", Mode::Full)] {
        change(job.server, &format!("{used}; {more}"));
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, mode, "{what}: {ended:?}");
        assert!(dumped(job.server, &SANDBOX) == before, "{what} {mode:?}: another content");
    }
}

/// A sandbox with these tables, changed between the two checkpoints, and used after each.
fn assert_comes_back(server: &PostgresServer, shell: Shell, [tables, changed, used]: [&str; 3]) {
    change(server, tables);
    let mut job = Job::under(server, shell);
    job.checkpoint().succeeded();
    assert_resets(&job, used, &format!("{shell:?}, the first"));
    job.checkpoint().succeeded();
    change(server, changed);
    job.lend();
    assert!(is_based(&mut job), "{shell:?}");
    assert_resets(&job, used, &format!("{shell:?}, another"));
}

/// mawk shows a number beyond 2^31 as it would show a fraction.
#[test]
fn keys_that_are_times_in_milliseconds() {
    const TABLES: &str = "CREATE TABLE late (id bigint PRIMARY KEY, says text);
        INSERT INTO late SELECT 1700000000000 + g, repeat('x', 100) FROM generate_series(1, 30000) g";
    for shell in Shell::all() {
        // In part, and as a whole.
        for used in ["id IN (1700000002000, 1700000009000)", "id % 50 = 0"] {
            let server = PostgresServer::with(&Production::Small, &[]);
            let changed = "UPDATE late SET says = 'q' WHERE id = 1700000002000";
            assert_comes_back(&server, shell, [TABLES, changed, &format!("UPDATE late SET says = 'r' WHERE {used}")]);
        }
    }
}

#[test]
fn a_primary_key_that_is_generated() {
    const TABLES: &str =
        "CREATE TABLE made (id integer GENERATED ALWAYS AS (n + 1000) STORED PRIMARY KEY, n integer, says text);
        INSERT INTO made (n, says) SELECT g, repeat('x', 100) FROM generate_series(1, 30000) g";
    let server = PostgresServer::with(&Production::Small, &[]);
    let used = "UPDATE made SET says = 'r' WHERE id IN (2000, 3000)";
    assert_comes_back(&server, Shell::Debian, [TABLES, "UPDATE made SET says = 'q' WHERE id = 2000", used]);
}

/// Names that psql, awk and COPY have their own ideas of.
#[test]
fn a_large_table_with_odd_names_that_is_published() {
    const TABLES: &str = r#"
        CREATE TABLE "n':x; ""y\" ("Key:k '\" smallint PRIMARY KEY, "a""b:c" text, gen text GENERATED ALWAYS AS ("a""b:c" || 'x') STORED);
        INSERT INTO "n':x; ""y\" SELECT g, repeat('q', 60) FROM generate_series(-32768, 32767) g"#;
    const CHANGED: &str = r#"
        UPDATE "n':x; ""y\" SET "a""b:c" = E':sl_set \\. ' || E'\n' WHERE "Key:k '\" IN (-32768, -1, 0, 32767, 5);
        DELETE FROM "n':x; ""y\" WHERE "Key:k '\" BETWEEN 1000 AND 2000"#;
    const USED: &str = r#"UPDATE "n':x; ""y\" SET "a""b:c" = '' WHERE "Key:k '\" BETWEEN -3 AND 3"#;
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        server.sql(SANDBOX.database, "CREATE PUBLICATION of_all FOR ALL TABLES");
        assert_comes_back(&server, shell, [TABLES, CHANGED, USED]);
    }
}

/// The server refuses to delete from it, as it could not say which row has gone.
#[test]
fn a_table_that_is_published_without_a_replica_identity_is_wiped_and_restored() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(SANDBOX.database, "CREATE PUBLICATION of_all FOR ALL TABLES");
    change(&server, "CREATE TABLE silent (id integer); INSERT INTO silent VALUES (1)");
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let before = dumped(&server, &SANDBOX);
    change(&server, "INSERT INTO silent VALUES (2)");
    let (mode, why) = compared(&job.restore().succeeded());
    assert_eq!((mode, why.as_str()), (Mode::Full, "table silent is published and has no replica identity"));
    assert!(dumped(&server, &SANDBOX) == before, "another content");
}

#[test]
fn a_role_whose_strings_have_escapes() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(SANDBOX.database, "ALTER ROLE \"v-sandbox-1\" SET standard_conforming_strings = off");
    let login = |text: &str| format!("UPDATE llx_user SET login = {text} || rowid");
    assert_comes_back(&server, Shell::Debian, ["", &login("E'a\\\\'"), &login("'b'")]);
}

/// Its server takes no character that is not in it, in a comment or in a message as little as in a row.
#[test]
fn a_database_of_another_encoding() {
    const DATABASE: &str = "CREATE DATABASE \"erp-sandbox\" TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' OWNER erp_sandbox_role";
    const TABLES: &str = "SET client_encoding = 'UTF8'; CREATE TABLE llx_user (rowid integer PRIMARY KEY, login text, \"\u{e9}:\u{fc}\" text);
        INSERT INTO llx_user SELECT g, '\u{e9}' || g, '\u{ff}' FROM generate_series(1, 100) g";
    let server = PostgresServer::with(&Production::Small, &[]);
    for text in ["DROP DATABASE \"erp-sandbox\"", DATABASE] {
        server.sql("postgres", text);
    }
    let owned = "GRANT CREATE, USAGE ON SCHEMA public TO erp_sandbox_role;
        CREATE FUNCTION public.user_lookup(text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'";
    server.sql(SANDBOX.database, owned);
    let login = |text: &str| format!("SET client_encoding = 'UTF8'; UPDATE llx_user SET login = {text} || rowid");
    assert_comes_back(&server, Shell::Debian, [TABLES, &login("'\u{e4}\u{df}'"), &login("'\u{e6}'")]);
}
