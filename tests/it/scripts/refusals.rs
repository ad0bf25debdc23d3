//! The restore refuses before it waits: a refusal costs no downtime and changes nothing.
use super::differences::dumped;
use super::run::{Ended, Job};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
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

/// An analyst's own schema, with what can hang on the sandbox's objects without being one of its relations or routines.
const REPORTS: &str = "CREATE ROLE analyst; GRANT USAGE ON SCHEMA public TO analyst;
    SET ROLE erp_sandbox_role; SET search_path = public; CREATE DOMAIN money_d AS numeric; CREATE SEQUENCE s; CREATE TYPE pair AS (a integer);
    CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; GRANT USAGE ON s TO analyst;
    GRANT REFERENCES, SELECT ON llx_user TO analyst; RESET ROLE; CREATE SCHEMA rep AUTHORIZATION analyst; SET ROLE analyst; SET search_path = rep;
    CREATE TABLE x (price public.money_d, a integer REFERENCES public.llx_user, n bigint DEFAULT nextval('public.s'), at date CHECK (public.year(at) > 0));
    CREATE TRIGGER seen BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION public.seen(); CREATE POLICY own ON x USING (public.year(at) = 1);
    CREATE TABLE y (); CREATE POLICY theirs ON y TO erp_sandbox_role, analyst USING (true);
    CREATE RULE told AS ON DELETE TO x DO ALSO SELECT 1 FROM public.llx_user; CREATE VIEW users AS SELECT login FROM public.llx_user;
    CREATE DOMAIN price AS public.money_d; CREATE TYPE priced AS (price public.money_d); RESET ROLE; SET search_path = public;
    CREATE CAST (pair AS text) WITH INOUT; CREATE PUBLICATION told FOR TABLE llx_user;";

#[test]
fn what_of_others_hangs_on_objects_that_are_wiped() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql_file(SANDBOX.database, REPORTS);
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "1").checkpoint().succeeded();
    // Where nothing has to be wiped it may hang there.
    job.restore().succeeded();
    let expected = [
        "cast (public.pair AS pg_catalog.text), of no owner",
        "composite type column rep.priced.price, owned by analyst",
        "default value for rep.x.n, owned by analyst",
        "policy own on rep.x, owned by analyst",
        "policy theirs on rep.y, owned by analyst",
        "publication relation public.llx_user in publication told, owned by postgres",
        "rule told on rep.x, owned by analyst",
        "table column rep.x.price, owned by analyst",
        "table constraint x_a_fkey on rep.x, owned by analyst",
        "table constraint x_at_check on rep.x, owned by analyst",
        "trigger seen on rep.x, owned by analyst",
        "type rep.price, owned by analyst",
        "view rep.users, owned by analyst",
    ];
    let before = (dumped(&server, &SANDBOX), server.sql(SANDBOX.database, "SELECT count(*) FROM pg_depend"));
    server.sql(SANDBOX.database, "COMMENT ON TABLE llx_user IS 'other'");
    let ended = job.restore();
    assert!(ended.told(&Event::Restoring) && ended.refused(23).ends_with(&expected.join("\n")), "{ended:?}");
    server.sql(SANDBOX.database, "COMMENT ON TABLE llx_user IS NULL");
    // Where all is wiped in any case, that is seen before anything waits.
    let ended = job.set("FULL", "1").start_restore().end();
    untouched_by(&ended);
    assert!(ended.refused(23).ends_with(&expected.join("\n")), "{ended:?}");
    let after = (dumped(&server, &SANDBOX), server.sql(SANDBOX.database, "SELECT count(*) FROM pg_depend"));
    assert_eq!(after, before);
    alter(&server, "DROP SCHEMA rep CASCADE; DROP CAST (pair AS text); DROP PUBLICATION told");
    alter(
        &server,
        "CREATE PUBLICATION mine; ALTER PUBLICATION mine OWNER TO erp_sandbox_role; CREATE FOREIGN DATA WRAPPER away",
    );
    alter(
        &server,
        "CREATE SERVER away FOREIGN DATA WRAPPER away; CREATE USER MAPPING FOR erp_sandbox_role SERVER away",
    );
    let own = [
        "publication mine, owned by erp_sandbox_role",
        "user mapping erp_sandbox_role on server away, owned by erp_sandbox_role",
    ];
    assert!(job.restore().refused(23).ends_with(&own.join("\n")));
    alter(&server, "DROP PUBLICATION mine; DROP FOREIGN DATA WRAPPER away CASCADE");
    job.restore().succeeded();
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

/// A server with two addresses, whose number this login may not ask for.
#[test]
fn the_database_that_was_dumped_at_another_address() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(PRODUCTION.database, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "1").dump().succeeded();
    let identity = std::fs::read_to_string(job.file("source.identity")).expect("the identity");
    std::fs::write(job.file("source.identity"), identity.replace("127.0.0.1", "::1")).expect("written");
    job.set("PGDATABASE", PRODUCTION.database).set("PGUSER", PRODUCTION.user).set("PGPASSWORD", PRODUCTION.password);
    let ended = job.set("SANDBOX_ROLE", "erp_role").start_restore().end();
    untouched_by(&ended);
    assert!(ended.refused(21).contains("this is the database that was dumped"), "{ended:?}");
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
