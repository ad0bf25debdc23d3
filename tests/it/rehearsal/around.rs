//! Once around: a checkpoint is taken, the sandbox is changed, told apart, and brought back.

use crate::support::postgres::{PostgresServer, SANDBOX as ACCESS};
use crate::support::sandbox::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_takes_a_checkpoint_and_a_reset_brings_the_sandbox_back_to_it() {
    let lab = Sandbox::new().await;
    lab.furnish_documents();
    let before = lab.rehearsed();
    let taken = lab.run(&["--output", "json", "checkpoint"]).await.assert_code(0).json();
    assert_eq!(taken["checkpoint"]["name"], "golden", "{taken}");
    assert_eq!(taken["claim_created"], "erp-sandbox/sandbox-golden", "{taken}");
    assert!(taken["checkpoint"]["database"]["tables"].as_u64() > Some(250), "{taken}");
    assert_eq!(lab.rehearsed(), before, "a checkpoint only reads");
    assert_eq!(lab.world().objects["jobs"], Vec::<String>::new());

    lab.rehearse();
    assert_ne!(lab.rehearsed(), before);
    let reset = lab.run(&["--output", "json", "reset"]).await.assert_code(0).json();
    assert_eq!(lab.rehearsed(), before, "{reset}");
    assert_eq!(reset["reset"]["mode"], "differences", "{reset}");
    assert_eq!(lab.world().objects["leases"], Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_dolibarr_dump_goes_around_where_it_is_at_hand() {
    let Some(production) = PostgresServer::real_dump_or_skipped() else { return };
    let lab = Sandbox::with(&production, &[]).await;
    lab.furnish_documents();
    lab.run(&["refresh-from-prod", "--checkpoint"]).await.assert_code(0);
    let before = lab.rehearsed();
    lab.change_database(
        "UPDATE llx_const SET value = value || '!' WHERE rowid % 9 = 0; DELETE FROM llx_element_element",
    );
    let tms = "SELECT md5(string_agg(t::text, '' ORDER BY rowid)) FROM llx_societe t";
    let societe = lab.postgres.sql(ACCESS.database, tms);
    lab.change_database("UPDATE llx_societe SET nom = nom || '!' WHERE rowid % 3 = 0");
    let reset = lab.run(&["--output", "json", "reset"]).await.assert_code(0).json();
    assert_eq!(reset["reset"]["mode"], "differences", "{reset}");
    assert_eq!(lab.postgres.sql(ACCESS.database, tms), societe, "a trigger has rewritten what was put back");
    assert_eq!(lab.rehearsed(), before);
}
