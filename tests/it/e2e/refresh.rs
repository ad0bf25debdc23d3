//! The way through, and what is refused on it.

use crate::cases;
use crate::real::sandbox::RealSandbox;
use crate::support::postgres::{PostgresServer, SANDBOX as ACCESS};
use crate::support::sandbox::SANDBOX;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_sandbox_becomes_equal_to_production_and_self_heal_has_nothing_to_do() {
    let sandbox = RealSandbox::new().await;
    cases::refreshes(&sandbox).await;
    assert_eq!(sandbox.self_heal.heals(), 0);
    sandbox.ready(SANDBOX);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_real_dolibarr_dump_is_refreshed_where_it_is_at_hand() {
    let Some(production) = PostgresServer::real_dump_or_skipped() else { return };
    let sandbox = RealSandbox::with(&production).await;
    cases::refreshes(&sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn what_cannot_go_well_is_refused_with_its_reason() {
    let sandbox = RealSandbox::new().await;
    let login = format!("ALTER ROLE \"{}\"", ACCESS.user);
    for (arguments, words) in [
        (["--sandbox-namespace", "erp"], "the same namespace"),
        (["--sandbox-database", "erp"], "the same database"),
        (["--min-tables", "100000"], "fewer than --min-tables 100000"),
        (["--pg-image", "registry.invalid/none:1"], "ErrImagePull"),
    ] {
        cases::refused(&sandbox, &[&["refresh-from-prod"][..], &arguments].concat(), words).await;
    }
    sandbox.postgres.sql("postgres", &format!("{login} SUPERUSER"));
    cases::refused(&sandbox, &["refresh-from-prod"], "restore refused (exit code 22)").await;
    sandbox.postgres.sql("postgres", &format!("{login} NOSUPERUSER PASSWORD 'rotated'"));
    cases::refused(&sandbox, &["refresh-from-prod"], "the sandbox's database cannot be reached").await;
    sandbox.postgres.sql("postgres", &format!("{login} PASSWORD '{}'", ACCESS.password));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_second_run_is_refused_while_one_lives() {
    cases::a_second_run_is_refused_while_one_lives(&RealSandbox::new().await).await;
}
