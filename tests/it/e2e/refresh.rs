//! The way through: the sandbox becomes equal to production, and all else is as before.

use super::sandbox::RealSandbox;
use crate::support::postgres::PostgresServer;
use crate::support::postgres::Production;

async fn refreshes(production: &Production) {
    let sandbox = RealSandbox::with(production).await;
    let before = sandbox.world();
    assert_ne!(before.sandbox, before.production, "the sandbox is older");
    let report = sandbox.run(&["--output", "json", "refresh-from-prod"]).await.assert_code(0).json();
    let after = sandbox.world();
    assert_eq!(after.sandbox, before.production);
    assert_eq!(after.production, before.production);
    assert_eq!(
        (&after.replicas, &after.sync_policy, &after.objects),
        (&before.replicas, &before.sync_policy, &before.objects)
    );
    assert_eq!(report["outcome"], "done");
    assert_eq!(sandbox.self_heal.heals(), 0, "nothing was left to heal");
    sandbox.ready(crate::support::sandbox::SANDBOX);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_sandbox_becomes_equal_to_production() {
    refreshes(&Production::Fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_real_dolibarr_dump_is_refreshed_where_it_is_at_hand() {
    let Some(production) = PostgresServer::real_dump() else { return };
    refreshes(&production).await;
}
