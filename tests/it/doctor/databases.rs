//! `doctor --deep`: both databases, looked into by a Job that leaves nothing behind.
use super::*;
use crate::support::postgres::{PRODUCTION, SANDBOX as ACCESS};
use crate::support::scene::Scene;
use crate::support::store::Store;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const DEEP: &[&str] = &["--min-tables", "10", "--deep"];

/// It has this line, and both databases and the cluster are as they were.
async fn assert_deep(lab: &Sandbox, more: &[&str], (check, state, words): (&str, &str, &[&str])) {
    let before = lab.world();
    assert_line(lab, &[DEEP, more].concat(), check, state, words).await;
    assert_eq!(lab.world(), before, "{check}: something was changed or left behind");
}

fn secrets(container: &Value) -> Vec<&str> {
    let environment = container["env"].as_array().expect("a list").iter();
    environment.filter_map(|one| one["valueFrom"]["secretKeyRef"]["name"].as_str()).collect()
}

fn jobs(store: &Store) -> usize {
    store.list("jobs", Some(SANDBOX)).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_both_databases_are_told_of_and_nothing_is_changed_or_left() {
    let lab = small().await;
    let login = PRODUCTION.user;
    // As `manifests vault` makes one.
    lab.postgres.sql(
        "postgres",
        &format!("REVOKE erp_role FROM \"{login}\"; GRANT pg_read_all_data TO \"{login}\"; GRANT CONNECT ON DATABASE erp TO \"{login}\""),
    );
    let before = lab.world();
    lab.api.record.clear();
    let ran = lab.run(&[&["doctor", "--require-read-only-role"], DEEP].concat()).await.assert_code(0);
    let odd: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert_eq!(odd, Vec::<&str>::new(), "{}", ran.stdout);
    for words in [
        "versions     production 15.",
        "sandbox 15.",
        "client 15",
        "identity     production is erp at 127.0.0.1 port",
        "the sandbox is erp-sandbox at 127.0.0.1 port",
        "login        production's v-prod-1: no power of its own, a member of pg_read_all_data",
        "it may only read",
        "login        the sandbox's v-sandbox-1: no power of its own, a member of erp_sandbox_role",
        "restore      owners, extensions and the server's lock table",
        "sessions     nobody else is connected",
        "locks        nobody has held locks",
        "connections  production has room for",
        "connections  the sandbox has room for",
        "free for the dump on the Job's volume",
    ] {
        assert!(ran.stdout.contains(words), "{words:?} is not in\n{}", ran.stdout);
    }
    assert_eq!(lab.world(), before);
    let created = lab.api.record.all().into_iter().find(|seen| seen.line() == "create jobs").expect("a Job");
    let pod = &created.body["spec"]["template"]["spec"];
    let copy = created.body["metadata"]["name"].as_str().map(|name| format!("{name}-source")).expect("a name");
    assert_eq!(secrets(&pod["initContainers"][0]), [copy.as_str(); 2], "production's, and no other");
    assert_eq!(secrets(&pod["containers"][0]), ["vso-db-credentials"; 2], "the sandbox's, and no other");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_in_a_database_has_its_line() {
    let lab = small().await;
    let sql = |database: &str, text: &str| lab.postgres.sql(database, text);
    let sandbox = ACCESS.user;
    let writes = ["production's v-prod-1", "it could write", "it owns the database, by erp_role", "manifests vault"];
    assert_deep(&lab, &[], ("login", "warning", &writes)).await;
    let refused = ["could write to production", "it owns the database", "manifests vault"];
    assert_deep(&lab, &["--require-read-only-role"], ("login", "failed", &refused)).await;
    let tables = ["tables with the prefix llx_", "fewer than --min-tables 1000", "--table-prefix"];
    let many = ["--deep", "--min-tables", "1000"];
    assert_line(&lab, &many, "tables", "failed", &tables).await;

    // Two at once are two lines.
    sql("postgres", &format!("ALTER ROLE \"{sandbox}\" CREATEDB CONNECTION LIMIT 1"));
    sql("erp", "CREATE EXTENSION pg_trgm");
    assert_deep(&lab, &[], ("login", "failed", &["more rights than a sandbox needs", "CREATEDB", "--sandbox-role"]))
        .await;
    let extension = ["the sandbox lacks extensions that production has", "pg_trgm", "CREATE EXTENSION"];
    assert_deep(&lab, &[], ("extensions", "failed", &extension)).await;
    let room = ["the sandbox has room for 0 more sessions, by the login's limit of 1", "CONNECTION LIMIT"];
    assert_deep(&lab, &[], ("connections", "warning", &room)).await;
    sql("postgres", &format!("ALTER ROLE \"{sandbox}\" NOCREATEDB CONNECTION LIMIT -1"));
    sql("erp", "DROP EXTENSION pg_trgm");

    sql("postgres", &format!("GRANT erp_role TO \"{sandbox}\""));
    assert_deep(&lab, &[], ("login", "failed", &["a member of a role that owns production's objects", "erp_role"]))
        .await;
    sql("postgres", &format!("REVOKE erp_role FROM \"{sandbox}\""));
    sql(ACCESS.database, "CREATE TABLE public.strange ()");
    assert_deep(&lab, &[], ("objects", "failed", &["table public.strange, owned by postgres", "REASSIGN OWNED"])).await;
    sql(ACCESS.database, "DROP TABLE public.strange");
    sql(ACCESS.database, "REVOKE CREATE ON SCHEMA public FROM erp_sandbox_role, PUBLIC");
    let lacks = ["may not create in schema public", "GRANT USAGE, CREATE ON SCHEMA public"];
    assert_deep(&lab, &["--sandbox-role", "erp_sandbox_role"], ("login", "failed", &lacks)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_connected_and_who_has_held_locks_is_told() {
    let lab = small().await;
    let mut holder = lab.postgres.psql(ACCESS.database);
    holder.env("PGAPPNAME", "a forgotten one").stdin(Stdio::null()).stdout(Stdio::piped());
    // Its own line tells that it is old enough.
    let table = "SELECT format('LOCK TABLE %s IN ACCESS SHARE MODE', min(oid)::regclass) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let lock = lab.postgres.sql(ACCESS.database, table);
    for statement in ["BEGIN", lock.as_str(), "SELECT pg_sleep(10.1)", "SELECT 'old'", "SELECT pg_sleep(600)"] {
        holder.args(["-c", statement]);
    }
    let mut holder = holder.spawn().expect("psql runs");
    let mut lines = BufReader::new(holder.stdout.take().expect("its stdout")).lines();
    assert!(lines.any(|line| line.expect("readable") == "old"), "it has held its lock for 10 s");
    let locks = ["held for longer than 10 s", "application a forgotten one", "pg_terminate_backend"];
    assert_deep(&lab, &[], ("locks", "warning", &locks)).await;
    let sessions = ["1 a forgotten one of postgres", "v-sandbox-1 may not end those of postgres"];
    assert_deep(&lab, &[], ("sessions", "warning", &sessions)).await;
    holder.kill().expect("it is there");
    holder.wait().expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_a_line_and_does_not_hide_the_other() {
    let lab = small().await;
    let data = |namespace: &str| {
        lab.store.get("secrets", namespace, "vso-db-credentials").expect("it is there")["data"].clone()
    };
    let wrong = |namespace: &str| {
        lab.change("secrets", namespace, "vso-db-credentials", |secret| secret["data"]["password"] = "d3Jvbmc=".into());
    };
    let put = |namespace: &str, data: Value| {
        lab.change("secrets", namespace, "vso-db-credentials", |secret| secret["data"] = data)
    };
    let (prod, sandbox) = (data(PROD), data(SANDBOX));
    wrong(PROD);
    assert_deep(&lab, &[], ("production", "failed", &["cannot be reached", "v-prod-1", "--prod-secret"])).await;
    assert_deep(&lab, &[], ("restore", "warning", &["production did not answer"])).await;
    assert_deep(&lab, &[], ("sessions", "ok", &["nobody else"])).await;
    put(PROD, prod);
    wrong(SANDBOX);
    assert_deep(&lab, &[], ("sandbox", "failed", &["cannot be reached", "v-sandbox-1", "--sandbox-secret"])).await;
    assert_deep(&lab, &[], ("connections", "ok", &["production has room"])).await;
    put(SANDBOX, sandbox);
    // By another name it is still the same database, and the server knows.
    lab.postgres.sql("postgres", "GRANT CONNECT ON DATABASE erp TO erp_sandbox_role");
    for (namespace, host) in [(PROD, "bG9jYWxob3N0"), (SANDBOX, "MTI3LjAuMC4x")] {
        lab.change("secrets", namespace, "vso-db-credentials", |secret| secret["data"]["host"] = host.into());
    }
    let mut command = lab.command(&[&["doctor", "--sandbox-database", "erp"], DEEP].concat());
    command.env_remove("SANDBOX_LIFECYCLE_PG_HOST");
    let ran = crate::support::sandbox::finish(command.spawn().expect("the binary starts")).await.assert_code(1);
    ran.assert_says("failed   identity     this is the database that was dumped: erp");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_it_nothing_is_left_and_another_run_is_left_alone() {
    let lab = small().await;
    let before = lab.world();
    let arguments = [&["doctor"], DEEP].concat();
    for signal in ["INT", "KILL"] {
        let midway = lab.reach(&arguments, "[1/1] Look into both databases").await;
        lab.until("its Job is there", || jobs(&lab.store) == 1).await;
        midway.signal(signal);
        let ran = midway.end().await;
        assert_eq!(ran.code, if signal == "INT" { 130 } else { -1 }, "{ran:?}");
        if signal == "KILL" {
            let occupied = ["not looked into: the Lease erp-sandbox/sandbox-lifecycle is held by tester@", "recover"];
            assert_line(&lab, DEEP, "databases", "failed", &occupied).await;
            lab.expire_lease();
            lab.run(&["recover"]).await.assert_code(0).assert_says("put back: Job erp-sandbox/sandbox-doctor-");
        }
        assert_eq!(lab.world(), before, "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_tried_where_it_cannot_come_or_is_not_asked_for() {
    let lab = small().await;
    let before = lab.world();
    lab.run(&["doctor", "sync-documents", "--deep"]).await.assert_code(2).assert_says("refresh-from-prod");
    lab.api.record.clear();
    lab.run(&[&["--dry-run", "doctor"], DEEP].concat())
        .await
        .assert_code(0)
        .assert_says("that creates Job erp-sandbox/sandbox-doctor-RUN");
    let missing = [DEEP, &["--prod-secret", "missing"]].concat();
    assert_line(&lab, &missing, "databases", "failed", &["without what failed above (Secret)"]).await;
    assert!(lab.api.record.writes().iter().all(|line| line.contains("pods/exec")), "{:?}", lab.api.record.writes());
    let none = [DEEP, &["--pg-image", "registry.example/none:1"]].concat();
    assert_line(&lab, &none, "databases", "failed", &["registry.example/none:1", "-v tells"]).await;
    assert_eq!(lab.world(), before);
}
