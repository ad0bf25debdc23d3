//! What a fault of the store leaves: never half a set, never a part of an upload.

use super::vault::Vault;
use crate::support::s3::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_in_passing_is_asked_again() {
    let vault = Vault::new().await;
    for fault in [Fault::Status(503), Fault::Status(500), Fault::Cut] {
        // Each request fails at first, but for those that are made for the second time.
        vault.s3.bucket().seen.clear();
        let tried = std::sync::Mutex::new(std::collections::BTreeSet::new());
        vault.s3.bucket().fault = Some(Box::new(move |_, line| {
            // What may be there already, when its answer was lost, is not simply made again.
            let once = line.starts_with("PUT") && line.contains("partNumber") || line.starts_with("GET");
            (once && tried.lock().expect("a set").insert(line.to_owned())).then_some(fault)
        }));
        vault.run(&["backup"]).await.assert_code(0);
        assert!(vault.s3.bucket().uploads.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_request_of_a_backup_leaves_no_half_set() {
    let vault = Vault::small(1).await;
    let before = vault.lab.world();
    vault.run(&["backup"]).await.assert_code(0);
    let requests = vault.s3.bucket().seen.len();
    assert!(requests > 8, "{:?}", vault.s3.bucket().seen);
    for broken in 0..requests {
        {
            let mut bucket = vault.s3.bucket();
            bucket.objects.clear();
            bucket.seen.clear();
            bucket.fault = Some(Box::new(move |number, _| (number == broken).then_some(Fault::Status(403))));
        }
        let ran = vault.run(&["backup"]).await;
        vault.s3.bucket().fault = None;
        assert_eq!(vault.lab.world(), before, "request {broken}");
        let listed = vault.run(&["--output", "json", "backup", "list"]).await.assert_code(0).json();
        let whole = listed.as_array().expect("a list").len();
        assert!(whole == 0 || vault.s3.keys().len() == 4, "request {broken}: {:?}", vault.s3.keys());
        assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
        assert!(ran.code == 1 || whole == 1, "request {broken}: {ran:?}");
        assert!(vault.s3.bucket().uploads.is_empty(), "request {broken}: parts are left");
    }
}
