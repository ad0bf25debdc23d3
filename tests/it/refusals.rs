//! What is refused before the first write, each with its reason; and all that is wrong at once.

use crate::support::container::image;
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, World};
use crate::support::skipped::skipped;
use serde_json::json;

/// The world is as before, and nothing was written but the Lease and what a Job needs.
fn assert_untouched(lab: &Sandbox, before: &World) {
    assert_eq!(lab.world(), *before);
    let writes = lab.api.record.writes();
    let touched = writes.iter().any(|line| line.contains("applications") || line.contains("deployments"));
    assert!(!touched, "the sandbox was paused or stopped: {writes:?}");
}

async fn refused(lab: &Sandbox, arguments: &[&str], words: &str) {
    let before = lab.world();
    lab.run(arguments).await.assert_code(1).assert_says(words);
    assert_untouched(lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_says_all_that_is_wrong_at_once_and_writes_nothing() {
    let lab = Sandbox::new().await;
    lab.change("secrets", SANDBOX, "vso-db-credentials", |secret| {
        secret["data"].as_object_mut().expect("its data").remove("password");
    });
    lab.change("applications", "argocd", SANDBOX, |app| app["spec"]["destination"]["namespace"] = json!("elsewhere"));
    let ran = lab.run(&["refresh-from-prod", "--prod-deployment", "missing"]).await.assert_code(1);
    let ran = ran.assert_says("Deployment erp/missing: not found");
    let ran = ran.assert_says("has no key password");
    ran.assert_says("deploys to namespace elsewhere, not to erp-sandbox");
    assert!(lab.api.record.writes().is_empty(), "{:?}", lab.api.record.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_namespace_or_the_same_database_is_refused() {
    let lab = Sandbox::new().await;
    let same = ["refresh-from-prod", "--sandbox-namespace", PROD, "--sandbox-deployment", PROD];
    refused(&lab, &same, "the same namespace").await;
    refused(&lab, &["refresh-from-prod", "--sandbox-database", "erp"], "the same database").await;
    assert!(lab.api.record.writes().is_empty(), "{:?}", lab.api.record.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn production_under_another_name_is_recognised_by_the_server_itself() {
    let lab = Sandbox::new().await;
    lab.postgres.sql("postgres", "GRANT CONNECT ON DATABASE erp TO erp_sandbox_role");
    let other_name = ["refresh-from-prod", "--sandbox-database", "erp", "--prod-database", "erp-sandbox"];
    lab.postgres.sql("postgres", "GRANT CONNECT ON DATABASE \"erp-sandbox\" TO erp_role");
    lab.postgres.sql(ACCESS.database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO erp_role; GRANT USAGE ON SCHEMA public TO erp_role; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO erp_role");
    refused(&lab, &other_name, "refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_login_that_may_do_too_much_is_refused() {
    let lab = Sandbox::new().await;
    for (grant, revoke) in [
        ("SUPERUSER", "NOSUPERUSER"),
        ("CREATEDB", "NOCREATEDB"),
        ("CREATEROLE", "NOCREATEROLE"),
        ("BYPASSRLS", "NOBYPASSRLS"),
    ] {
        lab.postgres.sql("postgres", &format!("ALTER ROLE \"{}\" {grant}", ACCESS.user));
        refused(&lab, &["refresh-from-prod"], "restore refused (exit code 22)").await;
        lab.postgres.sql("postgres", &format!("ALTER ROLE \"{}\" {revoke}", ACCESS.user));
    }
    lab.postgres.sql("postgres", &format!("GRANT erp_role TO \"{}\"", ACCESS.user));
    refused(&lab, &["refresh-from-prod"], "restore refused (exit code 22)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_tables_than_min_tables_fails_before_the_wipe() {
    let lab = Sandbox::new().await;
    refused(&lab, &["refresh-from-prod", "--min-tables", "100000"], "fewer than --min-tables 100000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_fails_leaves_the_sandbox_untouched_and_up() {
    let lab = Sandbox::new().await;
    let broken = "#!/bin/sh\ncase $1 in --version) echo 'pg_dump (PostgreSQL) 15.0';; *) echo boom >&2; exit 1;; esac";
    lab.kubelet.config().images.with("docker.io/library/postgres:15-broken", image::POSTGRES, &[("pg_dump", broken)]);
    refused(&lab, &["refresh-from-prod", "--pg-image", "docker.io/library/postgres:15-broken"], "pg_dump failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_client_is_refused_naming_the_image() {
    let lab = Sandbox::new().await;
    let old = "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.1'";
    lab.kubelet.config().images.with("docker.io/library/postgres:14", image::POSTGRES, &[("pg_dump", old)]);
    refused(&lab, &["refresh-from-prod", "--pg-image", "docker.io/library/postgres:14"], "postgres:15").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_fails_fast_with_the_reason() {
    let lab = Sandbox::new().await;
    refused(
        &lab,
        &["refresh-from-prod", "--pg-image", "registry.example/none:1"],
        "has no image registry.example/none:1",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_fail_loudly() {
    let lab = Sandbox::new().await;
    lab.postgres.sql("postgres", &format!("ALTER ROLE \"{}\" PASSWORD 'rotated'", ACCESS.user));
    refused(&lab, &["refresh-from-prod"], "the sandbox's database cannot be reached").await;
    refused(&lab, &["refresh-from-prod"], "failed at step 3, Check the sandbox's database").await;
    refused(&lab, &["refresh-from-prod"], "(look at --sandbox-secret)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wrong_setting_leads_to_names_the_setting() {
    let lab = Sandbox::new().await;
    for (arguments, words) in [
        (["--pg-port", "1"], "(look at --pg-host (or key host of --prod-secret) and --pg-port)"),
        (["--prod-database", "none"], "(look at --prod-database)"),
        (["--sandbox-database", "none"], "(look at --sandbox-database)"),
        (
            ["--sandbox-role", "none"],
            "there is no role none: give by --sandbox-role the one that owns what is in schema public: owned by erp_sandbox_role",
        ),
        (["--prod-secret", "none"], "cannot get Secret erp/none: not found (see --prod-secret and --prod-namespace)"),
        (
            ["--sandbox-deployment", "none"],
            "Deployment erp-sandbox/none: not found (see --sandbox-deployment and --sandbox-namespace)",
        ),
        (
            ["--argocd-application", "none"],
            "Application argocd/none: not found (see --argocd-application and --argocd-namespace)",
        ),
        (["--pg-image", "registry.example/none:1"], "the image of --pg-image cannot be had"),
    ] {
        let before = lab.world();
        let ran = lab.run(&[&["refresh-from-prod"][..], &arguments].concat()).await.assert_code(1).assert_says(words);
        let told = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>();
        assert!(told.len() == 1 && !told[0].contains('\t'), "{}", ran.stderr);
        assert!(told[0].matches(arguments[1]).count() <= 2 || arguments[1] == "1", "{}", told[0]);
        assert_untouched(&lab, &before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_newer_than_the_jobs_client_is_refused_where_one_is_at_hand() {
    if !PostgresServer::is_newer_than_its_clients() {
        return skipped("LAB_POSTGRES names no server that is newer than pg_dump");
    }
    let lab = Sandbox::with(&Production::Small, &[]).await;
    for namespace in [PROD, SANDBOX] {
        std::fs::create_dir_all(lab.documents(namespace).join("mycompany")).expect("a tree");
    }
    let version =
        lab.postgres.sql(PRODUCTION.database, "SELECT current_setting('server_version_num')::integer / 10000");
    let words = format!("older than the server's {version}. Fix: --pg-image docker.io/library/postgres:{version}");
    for command in [&["refresh"][..], &["refresh-from-prod"], &["checkpoint"]] {
        refused(&lab, &[&["--min-tables", "10"], command].concat(), &words).await;
    }
    let ran = lab.run(&["--min-tables", "10", "doctor", "--deep"]).await.assert_code(1);
    ran.assert_says("failed   versions").assert_says(&format!("postgres:{version}"));
}
