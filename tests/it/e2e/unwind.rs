//! Whatever ends a run, the cluster afterwards is the cluster before.

use crate::cases;
use crate::real::machinery::Machinery;
use crate::real::sandbox::RealSandbox;
use crate::support::postgres::SANDBOX as ACCESS;
use crate::support::sandbox::SANDBOX;
use crate::support::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_signal_at_each_step_is_put_back() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(20);
    cases::a_signal_at_each_step_is_put_back(&sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_killed_run_is_put_back_by_recover_and_by_the_next_run() {
    let sandbox = RealSandbox::new().await;
    cases::a_killed_run_is_put_back_by(&sandbox, &["recover"]).await;
    sandbox.ready(SANDBOX);
    cases::a_killed_run_is_put_back_by(&sandbox, &["refresh-from-prod"]).await;
    let after = sandbox.world();
    assert_eq!(after.sandbox, after.production);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn replicas_that_come_back_stop_the_commit() {
    cases::replicas_that_come_back_stop_the_commit(&RealSandbox::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_dump_that_fails_costs_no_downtime() {
    let sandbox = RealSandbox::new().await;
    // The owner may read his tables by default; without it, counting and dumping fail.
    let sql = |what: &str| {
        sandbox.postgres.sql(
            "erp",
            &format!("{what} ON llx_societe {} erp_role", if what == "GRANT SELECT" { "TO" } else { "FROM" }),
        )
    };
    sql("REVOKE SELECT");
    let ran = cases::refused(&sandbox, &["refresh-from-prod"], "permission denied for table llx_societe").await;
    assert!(!ran.stderr.contains("Scale the sandbox"), "{}", ran.stderr);
    sql("GRANT SELECT");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_restore_that_fails_in_the_middle_leaves_the_old_sandbox() {
    let sandbox = RealSandbox::new().await;
    let before = sandbox.world();
    let run = sandbox.reach(&["refresh-from-prod"], "[6/9]").await;
    sandbox.postgres.sql("postgres", &KILL_THE_RESTORE.replace("DATABASE", ACCESS.database));
    run.end().await.assert_code(1);
    let after = sandbox.world();
    assert_eq!(after.sandbox, before.sandbox);
    after.assert_whole_since(&before);
    sandbox.ready(SANDBOX);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_restarting_api_server_ends_no_restore_half_way() {
    let sandbox = RealSandbox::new().await;
    let Some(machinery) = Machinery::of(&sandbox.kubectl) else { return };
    let before = sandbox.world();
    let run = sandbox.reach(&["refresh-from-prod"], "[6/9]").await;
    machinery.kill("kube-apiserver");
    machinery.mend();
    let ran = run.end().await;
    assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
    sandbox.world().assert_whole_since(&before);
    sandbox.ready(SANDBOX);
}

/// Waits until the restore's transaction has written, and ends its session.
const KILL_THE_RESTORE: &str = "DO $$
DECLARE ended boolean;
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT bool_or(pg_terminate_backend(pid)) INTO ended FROM pg_stat_activity
            WHERE datname = 'DATABASE' AND application_name LIKE 'sandbox-lifecycle/%' AND backend_xid IS NOT NULL;
        EXIT WHEN ended;
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$";
