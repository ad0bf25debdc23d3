//! The restore refuses before it waits: a refusal costs no downtime and changes nothing.
use super::run::{Ended, Job};
use crate::support::postgres::{PRODUCTION, PostgresServer, SANDBOX};
use sandbox_lifecycle::jobs::{Event, Word};

/// For each (change, way back, what the refusal must name): changes the sandbox, runs the restore, and asserts that it refused
/// with this code, before it waited, and left all as it was.
fn refusals(code: i32, cases: &[(&str, &str, &str)]) {
    let server = PostgresServer::start();
    let job = Job::new(&server);
    job.dump().succeeded();
    for (change, back, names) in cases {
        alter(&server, change);
        let before = server.checksum(SANDBOX.database);
        let ended = job.start_restore().end();
        untouched_by(&ended);
        let refused = ended.refused(code);
        assert!(refused.contains(names), "{change}: {refused}");
        assert_eq!(server.checksum(SANDBOX.database), before, "{change}");
        alter(&server, back);
    }
    job.restore().succeeded();
}

/// Statements one by one: some may stand in no transaction.
fn alter(server: &PostgresServer, statements: &str) {
    statements.split("; ").for_each(|statement| {
        server.sql(SANDBOX.database, statement);
    });
}

fn untouched_by(ended: &Ended) {
    assert!(!ended.told(&Event::Checked) && !ended.told(&Event::Waiting { r#for: Word::Restore }), "{ended:?}");
}

#[test]
fn a_login_that_may_do_too_much_or_too_little() {
    let attributes = ["SUPERUSER", "CREATEDB", "CREATEROLE", "BYPASSRLS", "REPLICATION"];
    let alter = |attribute: &str| {
        [format!("ALTER ROLE \"v-sandbox-1\" {attribute}"), format!("ALTER ROLE \"v-sandbox-1\" NO{attribute}")]
    };
    let changes = attributes.map(alter);
    let mut cases: Vec<_> =
        changes.iter().zip(attributes).map(|([change, back], names)| (change.as_str(), back.as_str(), names)).collect();
    cases.extend([
        ("CREATE ROLE mighty CREATEDB; GRANT mighty TO erp_sandbox_role", "DROP ROLE mighty", "mighty: CREATEDB"),
        ("CREATE DATABASE other OWNER erp_sandbox_role", "DROP DATABASE other", "database other, owned by erp_sandbox_role"),
        ("GRANT erp_role TO \"v-sandbox-1\"", "REVOKE erp_role FROM \"v-sandbox-1\"", "erp_role"),
        (
            "REVOKE erp_sandbox_role FROM \"v-sandbox-1\"; GRANT CONNECT ON DATABASE \"erp-sandbox\" TO \"v-sandbox-1\"",
            "GRANT erp_sandbox_role TO \"v-sandbox-1\"",
            "Fix: GRANT erp_sandbox_role TO \"v-sandbox-1\"",
        ),
    ]);
    refusals(22, &cases);
}

#[test]
fn objects_that_the_wipe_would_leave_or_take_for_good() {
    let owner = "TO erp_sandbox_role";
    refusals(
        23,
        &[
            ("CREATE TABLE public.theirs (x integer)", "DROP TABLE theirs", "table public.theirs, owned by postgres"),
            (
                "CREATE FUNCTION theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                "DROP FUNCTION theirs",
                "public.theirs()",
            ),
            ("CREATE TYPE public.theirs AS ENUM ('a')", "DROP TYPE theirs", "type public.theirs"),
            (
                "ALTER TABLE llx_user OWNER TO \"v-sandbox-1\"",
                &format!("ALTER TABLE llx_user OWNER {owner}"),
                "llx_user, owned by v-sandbox-1",
            ),
            (
                &format!("ALTER FUNCTION user_lookup(text) OWNER {owner}"),
                "ALTER FUNCTION user_lookup(text) OWNER TO provisioner",
                "user_lookup",
            ),
            (
                &format!("CREATE SCHEMA other; CREATE TABLE other.mine (); ALTER TABLE other.mine OWNER {owner}"),
                "DROP SCHEMA other CASCADE",
                "other.mine",
            ),
        ],
    );
}

#[test]
fn create_on_public_that_was_revoked() {
    let grant = "GRANT USAGE, CREATE ON SCHEMA public TO erp_sandbox_role";
    refusals(26, &[("REVOKE CREATE ON SCHEMA public FROM erp_sandbox_role", grant, grant)]);
}

#[test]
fn an_extension_that_only_production_has() {
    let server = PostgresServer::start();
    server.sql(PRODUCTION.database, "CREATE EXTENSION pg_trgm SCHEMA public");
    let job = Job::new(&server);
    job.dump().succeeded();
    let ended = job.start_restore().end();
    untouched_by(&ended);
    assert!(ended.refused(24).contains("pg_trgm"));
    server.sql(SANDBOX.database, "CREATE EXTENSION pg_trgm SCHEMA public");
    server.sql(PRODUCTION.database, "CREATE INDEX ON llx_societe USING gin (label gin_trgm_ops)");
    job.dump().succeeded();
    job.restore().succeeded();
}

#[test]
fn the_database_that_was_dumped() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.dump().succeeded();
    let before = server.checksum(PRODUCTION.database);
    job.set("PGDATABASE", PRODUCTION.database).set("PGUSER", PRODUCTION.user).set("PGPASSWORD", PRODUCTION.password);
    let ended = job.set("SANDBOX_ROLE", "erp_role").start_restore().end();
    untouched_by(&ended);
    ended.refused(21);
    assert_eq!(server.checksum(PRODUCTION.database), before);
}

#[test]
fn a_lock_table_that_is_too_small() {
    let mut server = PostgresServer::start();
    // The dump itself needs a lock for each table; with fewer than this it is the one that fails.
    server.restart(&["max_connections=20", "max_locks_per_transaction=26", "max_prepared_transactions=0"]);
    let job = Job::new(&server);
    job.dump().succeeded();
    let ended = job.start_restore().end();
    untouched_by(&ended);
    assert!(ended.refused(25).contains("max_locks_per_transaction"));
}

#[test]
fn a_wrong_password_and_a_missing_dump() {
    let server = PostgresServer::start();
    let mut job = Job::new(&server);
    job.start_restore().end().refused(34);
    job.dump().succeeded();
    let ended = job.set("PGPASSWORD", "wrong").start_restore().end();
    untouched_by(&ended);
    assert!(ended.refused(20).contains("password authentication failed"));
}
