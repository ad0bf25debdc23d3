//! What a login of production could write, by each way that there is, told and refused.
use super::run::{Ended, Job};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production};
use sandbox_lifecycle::jobs::Event;

/// A login that may only read, as production's in its place; all of what the fixture's may is taken away.
fn reader() -> PostgresServer {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(
        PRODUCTION.database,
        &format!(
            "REVOKE erp_role FROM \"{0}\"; GRANT pg_read_all_data TO \"{0}\"; GRANT CONNECT ON DATABASE erp TO \"{0}\"; \
             REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            PRODUCTION.user
        ),
    );
    server
}

fn dump(server: &PostgresServer, required: &str) -> Ended {
    let mut job = Job::new(server);
    job.set("MIN_TABLES", "10").set("REQUIRE_READ_ONLY", required);
    job.dump()
}

fn ways(server: &PostgresServer) -> Vec<String> {
    let ended = dump(server, "").succeeded();
    let told = ended.events.iter().find_map(|event| match event {
        Event::Writable { ways } => Some(ways.clone()),
        _ => None,
    });
    told.unwrap_or_else(|| panic!("it is not told: {ended:?}"))
}

#[test]
fn a_login_that_may_only_read_is_told_as_one_and_taken() {
    let server = reader();
    assert_eq!(ways(&server), Vec::<String>::new());
    dump(&server, "1").succeeded();
}

#[test]
fn each_way_to_write_is_told_and_refused_where_that_is_required() {
    let server = reader();
    let table = "(SELECT min(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)";
    let table = server.sql(PRODUCTION.database, &format!("SELECT {table}"));
    let sequence = server.sql(PRODUCTION.database, "SELECT min(relname) FROM pg_class WHERE relkind = 'S'");
    let column = server.sql(
        PRODUCTION.database,
        &format!("SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1"),
    );
    let user = format!("\"{}\"", PRODUCTION.user);
    for (grant, revoke, words) in [
        (format!("ALTER ROLE {user} SUPERUSER"), format!("ALTER ROLE {user} NOSUPERUSER"), "is a superuser"),
        (format!("ALTER ROLE {user} CREATEDB"), format!("ALTER ROLE {user} NOCREATEDB"), "may make databases"),
        (format!("ALTER ROLE {user} CREATEROLE"), format!("ALTER ROLE {user} NOCREATEROLE"), "may make roles"),
        (
            format!("GRANT pg_write_all_data TO {user}"),
            format!("REVOKE pg_write_all_data FROM {user}"),
            "member of pg_write_all_data",
        ),
        (format!("GRANT erp_role TO {user}"), format!("REVOKE erp_role FROM {user}"), "owns the database, by erp_role"),
        (
            format!("GRANT INSERT ON {table} TO {user}"),
            format!("REVOKE INSERT ON {table} FROM {user}"),
            "INSERT on public.",
        ),
        (
            format!("GRANT DELETE ON {table} TO PUBLIC"),
            format!("REVOKE DELETE ON {table} FROM PUBLIC"),
            "DELETE on public.",
        ),
        (
            format!("GRANT UPDATE ({column}) ON {table} TO {user}"),
            format!("REVOKE UPDATE ({column}) ON {table} FROM {user}"),
            "UPDATE on columns of",
        ),
        (
            format!("GRANT USAGE ON SEQUENCE {sequence} TO {user}"),
            format!("REVOKE USAGE ON SEQUENCE {sequence} FROM {user}"),
            "USAGE on public.",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC".to_owned(),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
            "CREATE in schema public, as everybody",
        ),
        (
            format!("GRANT CREATE ON DATABASE erp TO {user}"),
            format!("REVOKE CREATE ON DATABASE erp FROM {user}"),
            "CREATE in the database",
        ),
        (format!("CREATE SCHEMA mine AUTHORIZATION {user}"), "DROP SCHEMA mine".to_owned(), "owns schema mine"),
        (
            format!("SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO {user}"),
            "SELECT lo_unlink(4711)".to_owned(),
            "1 large object",
        ),
    ] {
        server.sql(PRODUCTION.database, &grant);
        let told = ways(&server);
        assert!(told.iter().any(|way| way.contains(words)), "{grant}: {told:?}");
        let refused = dump(&server, "1").refused(17);
        assert!(refused.contains(words) && refused.contains("--require-read-only-role"), "{grant}: {refused}");
        server.sql(PRODUCTION.database, &revoke);
    }
    assert_eq!(ways(&server), Vec::<String>::new(), "all was taken back");
}
