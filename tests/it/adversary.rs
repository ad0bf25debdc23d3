//! Production under attack: each of these is refused before anything of the sandbox is touched, or comes to nothing.
mod pods;
mod rows;
mod settings;

use crate::support::container::image;
use crate::support::leaks::leaks;
use crate::support::postgres::{PRODUCTION, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, finish};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

/// Fails before the application is paused or stopped, and leaves the world as it was.
async fn refused(lab: &Sandbox, arguments: &[&str]) -> Ran {
    let before = lab.world();
    lab.api.record.clear();
    let ran = finish(lab.command(arguments).spawn().expect("the binary starts")).await.assert_code(1);
    assert_eq!(lab.world(), before, "{}", ran.stderr);
    let writes = lab.api.record.writes();
    let touched = writes.iter().any(|line| line.contains("applications") || line.contains("deployments"));
    assert!(!touched, "the sandbox was paused or stopped: {writes:?}");
    ran
}

fn credentials(lab: &Sandbox, namespace: &str, user: &str, password: &str) {
    lab.change("secrets", namespace, "vso-db-credentials", |secret| {
        secret["data"]["username"] = STANDARD.encode(user).into();
        secret["data"]["password"] = STANDARD.encode(password).into();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_credentials_are_refused_by_the_server() {
    let lab = Sandbox::new().await;
    credentials(&lab, PROD, ACCESS.user, ACCESS.password);
    credentials(&lab, SANDBOX, PRODUCTION.user, PRODUCTION.password);
    refused(&lab, &["refresh-from-prod"]).await;
    // Even where the sandbox's login may read production.
    lab.postgres.sql(
        PRODUCTION.database,
        &format!(
            "GRANT CONNECT ON DATABASE erp TO \"{0}\"; GRANT USAGE ON SCHEMA public TO \"{0}\";
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{0}\"; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO \"{0}\";
             GRANT CONNECT ON DATABASE \"erp-sandbox\" TO \"{1}\"",
            ACCESS.user, PRODUCTION.user
        ),
    );
    refused(&lab, &["refresh-from-prod"]).await.assert_says("restore refused (exit code 22)");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_of_production_are_refused() {
    let lab = Sandbox::new().await;
    credentials(&lab, SANDBOX, PRODUCTION.user, PRODUCTION.password);
    refused(&lab, &["refresh-from-prod"]).await.assert_says("have the same username");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_login_that_owns_another_database_is_refused() {
    let lab = Sandbox::new().await;
    lab.postgres.sql("postgres", &format!("CREATE DATABASE precious OWNER \"{}\"", ACCESS.user));
    refused(&lab, &["refresh-from-prod"]).await.assert_says("owns").assert_says("database precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_by_another_host_name_is_known_by_its_server_and_oid() {
    let lab = Sandbox::new().await;
    lab.postgres.sql("postgres", "GRANT CONNECT ON DATABASE erp TO erp_sandbox_role");
    for (namespace, host) in [(PROD, "127.0.0.1"), (SANDBOX, "localhost")] {
        lab.change("secrets", namespace, "vso-db-credentials", |secret| {
            secret["data"]["host"] = STANDARD.encode(host).into();
        });
    }
    let before = lab.world();
    let mut command = lab.command(&["refresh-from-prod", "--sandbox-database", "erp"]);
    command.env_remove("SANDBOX_LIFECYCLE_PG_HOST");
    let ran = finish(command.spawn().expect("the binary starts")).await.assert_code(1);
    ran.assert_says("this is the database that was dumped");
    assert_eq!(lab.world(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_strips_the_read_only_option_is_refused() {
    const POOLED: &str = "docker.io/library/postgres:15-pooled";
    let lab = Sandbox::new().await;
    let strip = |program: &str| {
        format!("#!/bin/sh\nunset PGOPTIONS\nexec $(echo /.image/usr/lib/postgresql/*/bin/{program}) \"$@\"")
    };
    let (psql, dump) = (strip("psql"), strip("pg_dump"));
    lab.kubelet.config().images.with(POOLED, image::POSTGRES, &[("psql", &psql), ("pg_dump", &dump)]);
    let ran = refused(&lab, &["refresh-from-prod", "--pg-image", POOLED]).await;
    ran.assert_says("production accepts writes").assert_says("default_transaction_read_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_out_of_the_tree_is_copied_as_a_link_and_a_name_is_never_run() {
    let lab = Sandbox::new().await;
    let source = lab.documents(PROD).join("mycompany");
    fs::create_dir_all(&source).expect("the lab's own");
    symlink("/etc/passwd", source.join("passwd")).expect("a link");
    symlink("../../../../tmp", source.join("up")).expect("a link");
    for name in ["$(touch ran)", "`touch ran`", "-rf", "a\nb; touch ran", "--checkpoint-action=exec=touch ran"] {
        fs::write(source.join(name), name).expect("a file");
    }
    for _ in 0..2 {
        lab.run(&["sync-documents"]).await.assert_code(0);
    }
    let target = lab.documents(SANDBOX).join("mycompany");
    assert_eq!(fs::read_link(target.join("passwd")).expect("a link"), std::path::Path::new("/etc/passwd"));
    assert_eq!(fs::read_link(target.join("up")).expect("a link"), std::path::Path::new("../../../../tmp"));
    assert_eq!(fs::read_dir(&target).expect("readable").count(), 7);
    assert_eq!(fs::read_to_string(target.join("a\nb; touch ran")).expect("it arrived"), "a\nb; touch ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_told_by_any_run_or_by_anything_it_leaves() {
    let lab = Sandbox::new().await;
    fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("the lab's own");
    let told = ["-vv", "--output", "json", "refresh"];
    let ran = lab.run(&told).await.assert_code(0);
    assert!(ran.stderr.contains("kube_client"), "-vv says more than that: {}", ran.stderr);
    assert_eq!(leaks(&lab, &ran), [""; 0]);
    // A failure has the server's words in it, and the Job's last lines.
    lab.postgres.sql("postgres", &format!("ALTER ROLE \"{}\" PASSWORD 'rotated meanwhile'", ACCESS.user));
    let ran = lab.run(&told).await.assert_code(1);
    assert_eq!(leaks(&lab, &ran), [""; 0]);
    assert!(!lab.store.list("events", Some(SANDBOX)).is_empty());
}

/// The search would find one: as an annotation, in a log of the tool and in a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_told_is_found() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let quiet = lab.run(&["recover"]).await;
    assert_eq!(leaks(&lab, &quiet), [""; 0]);
    let loud = Ran { stderr: format!("{:?}", PRODUCTION.password), ..quiet };
    assert_eq!(leaks(&lab, &loud).len(), 1);
    let annotated =
        |object: &mut Value| object["metadata"]["annotations"] = json!({"note": STANDARD.encode(ACCESS.password)});
    lab.change("deployments", SANDBOX, SANDBOX, annotated);
    assert!(leaks(&lab, &loud).len() > 1);
    let ran = lab.run(&["refresh-from-prod", "--table-prefix", "sandbox-s3cret"]).await;
    assert!(leaks(&lab, &ran).iter().any(|found| found.starts_with("environment in erp-sandbox/sandbox-refresh-")));
}
