//! What the sandbox's owner has granted to others outlives a wipe.
use super::differences::change;
use super::run::{Ended, Job};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::Event;

const GRANTS: &str = r#"
    CREATE TABLE "odd ""table""" (a integer, "a %b" integer);
    GRANT SELECT, INSERT ON llx_user, open_invoices TO reporting; GRANT SELECT ON llx_user TO PUBLIC;
    GRANT UPDATE (api_key) ON llx_user TO "Agent 7" WITH GRANT OPTION; GRANT UPDATE ("a %b") ON "odd ""table""" TO "Agent 7";
    GRANT USAGE ON SEQUENCE llx_user_rowid_seq TO reporting; REVOKE EXECUTE ON FUNCTION year(date) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION year(date) TO "Agent 7";
    CREATE FUNCTION "odd f"(first integer, OUT found text, VARIADIC rest document_state[]) LANGUAGE sql AS 'SELECT ''x''::text';
    GRANT EXECUTE ON FUNCTION "odd f" TO reporting; CREATE PROCEDURE tidy_up(OUT done integer) LANGUAGE sql AS 'SELECT 1';
    GRANT EXECUTE ON PROCEDURE tidy_up TO reporting;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "Agent 7";
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO reporting; ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO "Agent 7";"#;

fn server() -> PostgresServer {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql(SANDBOX.database, r#"CREATE ROLE reporting; CREATE ROLE "Agent 7""#);
    change(&server, GRANTS);
    server
}

/// Every access list of schema public, an entry a line; without the owner's own, which may stand there or be left out.
fn lists(server: &PostgresServer) -> Vec<String> {
    let entries = "SELECT relname || ' ' || unnest(relacl)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT attrelid::regclass || '.' || attname || ' ' || unnest(attacl)::text FROM pg_attribute WHERE attacl IS NOT NULL
            AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        UNION ALL SELECT proname || ' ' || unnest(coalesce(proacl, acldefault('f', proowner)))::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'type ' || typname || ' ' || unnest(coalesce(typacl, acldefault('T', typowner)))::text FROM pg_type
            WHERE typnamespace = 'public'::regnamespace AND typcategory <> 'A' AND typrelid NOT IN (SELECT oid FROM pg_class WHERE relkind <> 'c')
        UNION ALL SELECT concat_ws(' ', 'default', defaclobjtype, defaclnamespace, unnest(defaclacl)) FROM pg_default_acl";
    let entries = server.sql(SANDBOX.database, entries);
    let mut lists: Vec<String> =
        entries.lines().filter(|line| !line.contains(" erp_sandbox_role=")).map(str::to_owned).collect();
    lists.sort_unstable();
    lists
}

fn lost(ended: &Ended) -> Vec<String> {
    let found = ended.events.iter().find_map(|event| match event {
        Event::Granted { lost, .. } => Some(lost.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was granted: {ended:?}"))
}

#[test]
fn a_reset_that_wipes_leaves_every_access_list_as_it_was() {
    let server = server();
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let before = lists(&server);
    assert!(before.iter().any(|line| line.contains("Agent 7")), "{before:?}");
    let ended = job.set("FULL", "1").restore().succeeded();
    assert_eq!(lists(&server), before);
    assert!(lost(&ended).is_empty(), "{ended:?}");
}

#[test]
fn what_production_made_since_gets_the_defaults_and_what_it_lacks_is_told() {
    let server = server();
    let before = lists(&server);
    let new = "CREATE TABLE llx_new (rowid integer); DROP TYPE document_state CASCADE; ALTER TABLE llx_user DROP COLUMN api_key CASCADE";
    server.sql_file("erp", &format!("SET ROLE erp_role;\nSET search_path = public;\n{new};\n"));
    let mut job = Job::new(&server);
    job.set("MIN_TABLES", "1").dump().succeeded();
    let ended = job.restore().succeeded();
    assert_eq!(
        lost(&ended),
        [
            r#"GRANT EXECUTE ON ROUTINE public."odd f"(integer,public.document_state[]) TO reporting"#,
            "GRANT EXECUTE ON ROUTINE public.tidy_up() TO reporting",
            // The view goes with the type.
            "GRANT INSERT ON TABLE public.open_invoices TO reporting",
            "GRANT SELECT ON TABLE public.open_invoices TO reporting",
            r#"GRANT UPDATE ("a %b") ON TABLE public."odd ""table""" TO "Agent 7""#,
            r#"GRANT UPDATE (api_key) ON TABLE public.llx_user TO "Agent 7" WITH GRANT OPTION"#,
        ]
    );
    let is_new = |line: &String| line.starts_with("llx_new ") || line.starts_with("invoices_by_year ");
    let (new, after): (Vec<_>, Vec<_>) = lists(&server).into_iter().partition(is_new);
    assert!(new.contains(&r#"llx_new "Agent 7"=r/erp_sandbox_role"#.to_owned()), "{new:?}");
    let lost = ["api_key", "a %b", "odd f", "tidy_up", "open_invoices", "document_state"];
    let is_lost = |line: &String| lost.iter().any(|name| line.contains(name));
    assert_eq!(after, before.into_iter().filter(|line| !is_lost(line)).collect::<Vec<_>>());
}

#[test]
fn what_was_taken_from_everybody_stays_taken_and_types_are_read_as_well() {
    let server = server();
    change(
        &server,
        "CREATE DOMAIN dm AS text; CREATE TYPE pair AS (a integer); CREATE FUNCTION open_to_all() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        REVOKE USAGE ON TYPE dm FROM PUBLIC; GRANT USAGE ON DOMAIN dm TO reporting; GRANT USAGE ON TYPE pair TO reporting WITH GRANT OPTION;
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
        CREATE TYPE closed AS ENUM ('a'); ALTER DEFAULT PRIVILEGES REVOKE TRUNCATE ON TABLES FROM erp_sandbox_role",
    );
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let defaults = "SELECT defaclobjtype, defaclnamespace, defaclacl FROM pg_default_acl ORDER BY 1, 2";
    let before = (lists(&server), server.sql(SANDBOX.database, defaults));
    let ended = job.set("FULL", "1").restore().succeeded();
    assert_eq!((lists(&server), server.sql(SANDBOX.database, defaults)), before);
    assert!(lost(&ended).is_empty(), "{ended:?}");
    // What is made after it is as closed as before.
    change(&server, "CREATE FUNCTION another() RETURNS integer LANGUAGE sql AS 'SELECT 1'");
    let open = "SELECT has_function_privilege('reporting', 'another()', 'EXECUTE'), has_function_privilege('reporting', 'open_to_all()', 'EXECUTE')";
    assert_eq!(server.sql(SANDBOX.database, open), "f|t");
}

#[test]
fn what_only_another_role_may_grant_is_told() {
    let server = server();
    change(
        &server,
        "GRANT SELECT ON llx_const TO reporting WITH GRANT OPTION; REVOKE DELETE ON llx_const FROM erp_sandbox_role",
    );
    let others = r#"GRANT USAGE ON SCHEMA public TO reporting; SET ROLE reporting; GRANT SELECT ON llx_const TO "Agent 7"; RESET ROLE; CREATE ROLE analyst;
        ALTER DEFAULT PRIVILEGES FOR ROLE analyst GRANT SELECT ON TABLES TO erp_sandbox_role"#;
    server.sql(SANDBOX.database, others);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    let ended = job.set("FULL", "1").restore().succeeded();
    let expected = [
        "ALTER DEFAULT PRIVILEGES FOR ROLE analyst GRANT SELECT ON TABLES TO erp_sandbox_role",
        r#"GRANT SELECT ON TABLE public.llx_const TO "Agent 7" GRANTED BY reporting"#,
        "REVOKE DELETE ON TABLE public.llx_const FROM erp_sandbox_role",
    ];
    assert_eq!(lost(&ended), expected);
    assert!(lost(&job.restore().succeeded()).is_empty());
}
