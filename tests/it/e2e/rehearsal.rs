//! The rehearsal loop: a volume of the cluster's own, a Pod that is kept, a Job that is not.

use crate::real::sandbox::RealSandbox;
use crate::support::postgres::{Checksum, PostgresServer, SANDBOX as ACCESS};
use crate::support::scene::Scene;

/// What an agent does to a table and its sequence.
const CHANGES: &str = "
    UPDATE llx_const SET value = 'rehearsed' WHERE rowid IN (SELECT rowid FROM llx_const ORDER BY rowid LIMIT 3);
    DELETE FROM llx_const WHERE rowid = (SELECT max(rowid) FROM llx_const);
    SELECT setval('llx_const_rowid_seq', 987654)";

fn sandbox_holds(sandbox: &RealSandbox) -> Checksum {
    let [_, holds] = sandbox.postgres.checksums();
    holds
}

fn rehearse(sandbox: &RealSandbox) {
    sandbox.postgres.sql(ACCESS.database, CHANGES);
    sandbox.rehearse_documents();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_sandbox_comes_back_to_its_checkpoint_warm_cold_and_offline() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(5);
    sandbox.run(&["refresh"]).await.assert_code(0);
    let before = sandbox.world();
    let documents = sandbox.documents();
    sandbox.run(&["checkpoint", "--warm"]).await.assert_code(0);
    sandbox.run(&["diff"]).await.assert_code(0).assert_says("nothing has changed");
    for (and_then, reset) in [(None, &["reset"][..]), (Some("cool"), &["reset"]), (None, &["reset", "--offline"])] {
        if let Some(cool) = and_then {
            sandbox.run(&["checkpoint", cool]).await.assert_code(0);
        }
        rehearse(&sandbox);
        assert_ne!(sandbox_holds(&sandbox), before.sandbox);
        sandbox.run(reset).await.assert_code(0);
        sandbox.up_again().await;
        assert_eq!(sandbox_holds(&sandbox), before.sandbox, "{reset:?}");
        assert!(sandbox.documents() == documents, "{reset:?}: the documents differ");
        sandbox.world().assert_whole_since(&before);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_reset_of_the_real_dump_puts_back_what_differs() {
    let Some(production) = PostgresServer::real_dump_or_skipped() else { return };
    let sandbox = RealSandbox::with(&production).await;
    sandbox.populate(1);
    sandbox.run(&["refresh", "--checkpoint", "real"]).await.assert_code(0);
    let before = sandbox_holds(&sandbox);
    rehearse(&sandbox);
    let reset = sandbox.run(&["--output", "json", "reset", "real"]).await.assert_code(0).json();
    assert_eq!(reset["reset"]["mode"], "differences", "{reset}");
    assert_eq!(sandbox_holds(&sandbox), before);
    sandbox.run(&["checkpoint", "delete", "real"]).await.assert_code(0);
}

/// Killed when it has begun to put back: the next one ends what it left, and does its own work.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_killed_reset_leaves_the_old_or_the_checkpoint_and_the_next_one_goes_through() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(1);
    sandbox.run(&["refresh", "--checkpoint", "before"]).await.assert_code(0);
    let checkpoint = sandbox_holds(&sandbox);
    rehearse(&sandbox);
    let rehearsed = sandbox_holds(&sandbox);
    let run = sandbox.reach(&["reset", "before"], "[3/").await;
    run.signal("KILL");
    run.end().await;
    let between = sandbox_holds(&sandbox);
    assert!(between == rehearsed || between == checkpoint, "a mixture");
    sandbox.expire_lease();
    sandbox.run(&["reset", "before"]).await.assert_code(0);
    assert_eq!(sandbox_holds(&sandbox), checkpoint);
}
