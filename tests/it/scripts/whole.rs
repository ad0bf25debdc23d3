//! A dump and a restore that succeed.
use super::run::{Job, Shell};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::Event;

/// Writes each tool's arguments to a file before the tool runs.
const RECORD: &str = r#"printf '%s\n' "$0 $*" >>"$TMPDIR/argv"; exec "$real" "$@""#;

#[test]
fn the_sandbox_becomes_production_under_each_shell_and_nothing_else_changes() {
    for shell in Shell::all() {
        let server = PostgresServer::start();
        let production = server.checksum(PRODUCTION.database);
        let lookup = "SELECT oid, xmin, proowner, proacl FROM pg_proc WHERE proname = 'user_lookup'";
        let [in_production, in_sandbox] = [PRODUCTION, SANDBOX].map(|access| server.sql(access.database, lookup));

        let mut job = Job::under(&server, shell);
        ["psql", "pg_dump", "pg_restore"].iter().for_each(|tool| {
            job.stand_in(tool, RECORD);
        });
        let dump = job.dump().succeeded();
        let restore = job.restore().succeeded();

        assert!(
            matches!(
                dump.events[..],
                [Event::Writable { .. }, Event::Source(_), Event::Counted { tables: 295, .. }, Event::Dumped { .. }]
            ),
            "{dump:?}"
        );
        assert!(restore.told(&Event::Committed) && restore.told(&Event::Analyzed { failed: vec![] }), "{restore:?}");
        assert_eq!(server.checksum(SANDBOX.database), production, "{shell:?}");
        assert_eq!(server.checksum(PRODUCTION.database), production);
        assert_eq!(
            [PRODUCTION, SANDBOX].map(|access| server.sql(access.database, lookup)),
            [in_production, in_sandbox]
        );
        let owners = "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'public'::regnamespace";
        assert_eq!(server.sql(SANDBOX.database, owners), "erp_sandbox_role");
        let argv = std::fs::read_to_string(job.file("argv")).expect("what the stand-ins wrote");
        assert!(argv.contains("--snapshot="), "{argv}");
        for secret in [PRODUCTION.password, SANDBOX.password] {
            assert!(
                ![&argv, &dump.output, &restore.output].iter().any(|text| text.contains(secret)),
                "{shell:?} shows a password"
            );
        }
    }
}

#[test]
fn the_real_dump_is_cloned_to_the_last_row() {
    let Some(real) = PostgresServer::real_dump_or_skipped() else { return };
    let server = PostgresServer::with(&real, &[]);
    let job = Job::new(&server);
    job.dump().succeeded();
    job.restore().succeeded();
    assert_eq!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
}

/// The sandbox is used: each of the hostile tables and sequences differs from production's.
const HOSTILE_USE: &str = r#"
    DO $use$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ '[^a-z_0-9]' LOOP
            IF one.relkind = 'S' THEN
                PERFORM setval(format('public.%I', one.relname), 99);
            ELSIF one.relkind = 'r' AND one.relname LIKE '%odd%' THEN
                EXECUTE format(E'DELETE FROM public.%1$I WHERE rowid = 1; UPDATE public.%1$I SET "a;b""c" = $1', one.relname)
                    USING E'\n\\! touch injected\n\\.';
            ELSIF one.relkind = 'r' AND one.relname LIKE '%touch%' THEN
                EXECUTE format('INSERT INTO public.%I VALUES (1)', one.relname);
            END IF;
        END LOOP;
    END
    $use$;"#;

#[test]
fn names_with_quotes_newlines_and_backslashes_break_nothing_and_run_nothing() {
    let server = PostgresServer::start();
    server.sql(
        PRODUCTION.database,
        r#"
        SET ROLE erp_role;
        SET search_path = public;
        CREATE TABLE "llx_it's ""odd""
\! touch injected
SELECT pg_catalog.setval('public.x', 1, true);
\." (rowid serial PRIMARY KEY, "a;b""c" text);
        INSERT INTO "llx_it's ""odd""
\! touch injected
SELECT pg_catalog.setval('public.x', 1, true);
\." ("a;b""c") VALUES (E'SET transaction_timeout = 0;\n\\.\n'), ('$(touch injected)');
        CREATE TABLE "llx_`touch injected`" (x integer);
        CREATE TABLE "llx_:'sl_role' \\" ();
        CREATE SEQUENCE "se'q""
, true);";
        SELECT setval('"se''q""
, true);"', 7, false);
        CREATE FUNCTION "user_lookup"(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1';
        COMMENT ON FUNCTION user_lookup(text, text) IS 'skipped as well';
        CREATE FUNCTION "user_lookup_too"() RETURNS text LANGUAGE sql AS 'SELECT ''kept''';
        COMMENT ON FUNCTION user_lookup_too() IS 'kept';
        COMMENT ON TABLE llx_user IS E'FUNCTION user_lookup(\nSCHEMA - public';
    "#,
    );
    for shell in Shell::all() {
        let job = Job::under(&server, shell);
        job.dump().succeeded();
        job.restore().succeeded();
        assert_eq!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
        // The other way: by what differs.
        server.sql(SANDBOX.database, HOSTILE_USE);
        assert_ne!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
        let again = job.restore().succeeded();
        assert!(again.events.iter().any(|event| matches!(event, Event::PutBack(_))), "{again:?}");
        assert_eq!(server.checksum(SANDBOX.database), server.checksum(PRODUCTION.database));
        let names = "SELECT proname, pronargs, obj_description(oid, 'pg_proc') FROM pg_proc WHERE proname LIKE 'user_lookup%' ORDER BY 1, 2";
        assert_eq!(server.sql(SANDBOX.database, names), "user_lookup|1|the pooler asks here\nuser_lookup_too|0|kept");
        assert!(!job.file("injected").exists());
    }
}

/// The same text hashes otherwise there, in the schema too.
#[test]
fn a_source_in_another_encoding_is_only_counted_and_the_report_says_so() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql("postgres", "CREATE DATABASE latin OWNER erp_role ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    server.sql(
        "latin",
        "SET ROLE erp_role; CREATE TABLE llx_a (rowid serial, label text); INSERT INTO llx_a (label) VALUES ('\u{dc}bung');
        COMMENT ON TABLE llx_a IS '\u{dc}bungen'",
    );
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "1").set("PGDATABASE", "latin").dump().succeeded();
    let ended = job.set("PGDATABASE", SANDBOX.database).restore().succeeded();
    let expected = [
        "the schema, as the encodings differ",
        "the rows of all tables, which were only counted: the encodings differ",
    ];
    let told = |event: &Event| matches!(event, Event::Verified { not_compared, .. } if *not_compared == expected);
    assert!(ended.events.iter().any(told), "{ended:?}");
    assert_eq!(server.sql(SANDBOX.database, "SELECT label FROM llx_a"), "\u{dc}bung");
}
