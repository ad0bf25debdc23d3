//! The restore refuses before it waits: a refusal costs no downtime and changes nothing.
use super::run::{Ended, Job};
use crate::support::postgres::{PRODUCTION, PostgresServer, SANDBOX};
use sandbox_lifecycle::jobs::{Event, Word};

/// Changes the sandbox, runs the restore, and asserts that it refused before it waited and left all as it was.
fn refusal(code: i32, change: &str, names: &str) {
    let server = PostgresServer::start();
    let job = Job::new(&server);
    job.dump().succeeded();
    change.split(";;").for_each(|statement| {
        server.sql(SANDBOX.database, statement);
    });
    let before = server.checksum(SANDBOX.database);
    let ended = job.start_restore().end();
    untouched_by(&ended);
    let refused = ended.refused(code);
    assert!(refused.contains(names), "{change}: {refused}");
    assert_eq!(server.checksum(SANDBOX.database), before, "{change}");
}

fn untouched_by(ended: &Ended) {
    assert!(!ended.told(&Event::Checked) && !ended.told(&Event::Waiting { r#for: Word::Restore }), "{ended:?}");
}

#[test]
fn a_login_that_may_do_too_much() {
    for attribute in ["SUPERUSER", "CREATEDB", "CREATEROLE", "BYPASSRLS", "REPLICATION"] {
        refusal(22, &format!("ALTER ROLE \"v-sandbox-1\" {attribute}"), attribute);
    }
    refusal(22, "CREATE ROLE mighty CREATEDB;;GRANT mighty TO erp_sandbox_role", "mighty: CREATEDB");
}

#[test]
fn a_login_that_is_not_a_member_of_the_role() {
    refusal(
        22,
        "REVOKE erp_sandbox_role FROM \"v-sandbox-1\";;GRANT CONNECT ON DATABASE \"erp-sandbox\" TO \"v-sandbox-1\"",
        "GRANT",
    );
}

#[test]
fn a_login_that_owns_another_database_or_belongs_to_productions_owner() {
    refusal(22, "CREATE DATABASE other OWNER erp_sandbox_role", "database other, owned by erp_sandbox_role");
    refusal(22, "GRANT erp_role TO \"v-sandbox-1\"", "erp_role");
}

#[test]
fn objects_of_others_in_public_are_listed() {
    refusal(23, "CREATE TABLE public.theirs (x integer)", "table public.theirs, owned by postgres");
    refusal(23, "CREATE FUNCTION public.theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "public.theirs()");
    refusal(23, "CREATE TYPE public.theirs AS ENUM ('a')", "type public.theirs");
    refusal(23, "ALTER TABLE llx_user OWNER TO \"v-sandbox-1\"", "llx_user, owned by v-sandbox-1");
}

#[test]
fn what_the_wipe_would_take_and_the_dump_not_bring_back() {
    refusal(23, "ALTER FUNCTION user_lookup(text) OWNER TO erp_sandbox_role", "user_lookup");
    refusal(
        23,
        "CREATE SCHEMA other AUTHORIZATION erp_sandbox_role;;CREATE TABLE other.mine ();;ALTER TABLE other.mine OWNER TO erp_sandbox_role",
        "other.mine",
    );
}

#[test]
fn create_on_public_that_was_revoked() {
    refusal(
        26,
        "REVOKE CREATE ON SCHEMA public FROM erp_sandbox_role",
        "GRANT USAGE, CREATE ON SCHEMA public TO erp_sandbox_role",
    );
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
    server.restart(&["max_connections=20", "max_locks_per_transaction=16", "max_prepared_transactions=0"]);
    let job = Job::new(&server);
    // The dump itself needs a lock for each table; a server with so few has other troubles first.
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
