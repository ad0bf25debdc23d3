//! `tests/demo`: a production and a sandbox on this machine, a real refresh between them, before and after.
#![allow(clippy::print_stdout)]
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use std::fs;
use std::process::Stdio;

/// The exit code of the refresh.
pub(crate) async fn demo(keep: bool) -> u8 {
    let production = PostgresServer::real_dump().unwrap_or(Production::Fixture);
    println!("The lab: a PostgreSQL server, a Kubernetes API, a production and a sandbox ...");
    let lab = Sandbox::with(&production, &[]).await;
    let invoices = lab.documents(PROD).join("mycompany/facture");
    fs::create_dir_all(&invoices).expect("a directory of the lab's own");
    fs::write(invoices.join("FA2611-0042.pdf"), "an invoice").expect("a document");
    show(&lab, "before");
    println!("\n$ sandbox-lifecycle refresh");
    let mut command = lab.command(&["refresh"]);
    // As it would look at this terminal.
    let terminal = ["TERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"];
    command.envs(terminal.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    let status = command.stdout(Stdio::inherit()).stderr(Stdio::inherit()).status().await.expect("the binary starts");
    show(&lab, "after");
    if keep {
        println!("\nThe lab stays up until you press Ctrl-C. In another terminal:");
        println!("  export KUBECONFIG={}", lab.kubeconfig().display());
        println!("  export SANDBOX_LIFECYCLE_PG_HOST=127.0.0.1 SANDBOX_LIFECYCLE_PG_PORT={}", lab.postgres.port());
        println!("  export SANDBOX_LIFECYCLE_PG_IMAGE=docker.io/library/postgres:15");
        println!("  {} refresh", env!("CARGO_BIN_EXE_sandbox-lifecycle"));
        std::future::pending::<()>().await;
    }
    u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)
}

fn show(lab: &Sandbox, when: &str) {
    println!("\n{when}:");
    for (name, namespace, database) in
        [("production", PROD, PRODUCTION.database), ("sandbox", SANDBOX, ACCESS.database)]
    {
        let sums = lab.postgres.checksum(database);
        let rows = |sum: &String| sum.strip_prefix("r ")?.split(',').next()?.parse::<u64>().ok();
        let counts: Vec<u64> = sums.values().filter_map(rows).collect();
        let document = lab.documents(namespace).join("mycompany/facture/FA2611-0042.pdf").exists();
        let deployment = lab.store.get("deployments", namespace, namespace).unwrap_or_default();
        println!(
            "  {name:<10}  {} tables, {} rows; document FA2611-0042.pdf: {}; {} of {} replicas ready",
            counts.len(),
            counts.iter().sum::<u64>(),
            if document { "there" } else { "not there" },
            deployment["status"]["readyReplicas"],
            deployment["spec"]["replicas"],
        );
    }
    println!("  automated   {}", lab.sync_policy()["automated"]);
}
