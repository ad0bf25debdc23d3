//! Whatever ends a backup: no part of an upload stays in the store, and no half set.

use super::vault::{Vault, signal};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::s3::Fault;
use crate::support::sandbox::{PROD, SANDBOX};
use crate::support::scene::Scene;

const LEASE: &str = "sandbox-lifecycle";
/// Of the documents, while two are there already.
const THIRD_PART: &str = "partNumber=3";

/// The store takes the documents' third part, and never answers.
fn stall(vault: &Vault) {
    vault.s3.trouble(|_, line| (line.contains(THIRD_PART)).then_some(Fault::Stall));
}

fn assert_nothing_left(vault: &Vault, case: &str) {
    let bucket = vault.s3.bucket();
    assert!(bucket.uploads.is_empty(), "{case}: {:?}", bucket.uploads.values().map(|upload| &upload.0));
    assert!(!bucket.objects.keys().any(|key| key.contains("/docs/")), "{case}: {:?}", bucket.objects.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_an_upload_leaves_no_part() {
    let vault = Vault::small(40).await;
    let before = vault.lab.world();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        stall(&vault);
        let ran = vault.midway(&["backup"], THIRD_PART, |pid| signal(name, pid)).await.assert_code(code);
        assert!(!ran.stderr.contains("may be left"), "{ran:?}");
        assert_nothing_left(&vault, name);
        assert_eq!(vault.lab.world(), before, "{name}");
        assert!(vault.sets().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_a_cut_exec_and_a_refused_part_leave_none_either() {
    let vault = Vault::small(40).await;
    stall(&vault);
    let lose = |_| {
        vault.lab.change("leases", SANDBOX, LEASE, |lease| lease["spec"]["holderIdentity"] = "somebody/else".into());
    };
    vault.midway(&["backup"], THIRD_PART, lose).await.assert_code(1);
    assert_nothing_left(&vault, "a lost Lease");
    vault.s3.heal();
    vault.lab.store.delete("leases", SANDBOX, LEASE, Default::default()).expect("the Lease of somebody else");
    let mut cut = ExecFault::once(PROD, Break::CutAfterSending(36 << 20));
    cut.command = "tar".to_owned();
    vault.lab.kubelet.exec_faults().arm(cut);
    vault.run(&["backup"]).await.assert_code(1);
    assert_nothing_left(&vault, "a cut exec");
    vault.s3.trouble(|_, line| line.contains(THIRD_PART).then_some(Fault::Status(403)));
    vault.run(&["backup"]).await.assert_code(1);
    assert_nothing_left(&vault, "a refused part");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_begun_twice_as_its_answer_was_lost_leaves_none() {
    let vault = Vault::small(1).await;
    let first = std::sync::atomic::AtomicBool::new(true);
    vault.s3.trouble(move |_, line| {
        let begins = line.starts_with("POST") && line.contains("uploads=");
        (begins && first.swap(false, std::sync::atomic::Ordering::Relaxed)).then_some(Fault::Lost)
    });
    vault.run(&["backup"]).await.assert_code(0);
    let begun =
        vault.s3.bucket().seen.iter().filter(|line| line.contains("?uploads=") && line.starts_with("POST")).count();
    assert_eq!(begun, 3, "one was begun twice");
    assert!(vault.s3.bucket().uploads.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_is_gone_the_end_says_what_may_be_left_and_a_second_signal_ends_the_wait() {
    let vault = Vault::small(40).await;
    vault.s3.trouble(|_, line| {
        let over = line.contains(THIRD_PART) || line.contains("?uploads=&prefix");
        over.then_some(Fault::Stall)
    });
    let child = vault.command(&["backup"]).spawn().expect("the binary starts");
    let pid = child.id().expect("it runs");
    vault.s3.asked(THIRD_PART).await;
    signal("TERM", pid);
    vault.s3.asked("?uploads=&prefix").await;
    signal("TERM", pid);
    let ran = crate::support::sandbox::finish(child).await.assert_code(143);
    ran.assert_says("parts of an unfinished upload may be left").assert_says("backup prune");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_that_writes_there_is_no_half_set_and_a_later_prune_takes_all_that_is_left() {
    let vault = Vault::small(20).await;
    vault.run(&["backup"]).await.assert_code(0);
    let requests = vault.s3.bucket().seen.clone();
    assert!(requests.iter().any(|line| line.contains("partNumber=2")), "{requests:?}");
    let writes = |line: &str| !line.starts_with("GET ") && !line.starts_with("HEAD ");
    for (number, line) in requests.iter().enumerate().filter(|(_, line)| writes(line)) {
        {
            let mut bucket = vault.s3.bucket();
            bucket.objects.clear();
            bucket.uploads.clear();
            bucket.modified.clear();
        }
        vault.s3.trouble(move |at, _| (at == number).then_some(Fault::Stall));
        let child = vault.command(&["backup"]).spawn().expect("the binary starts");
        let pid = child.id().expect("it runs");
        vault.s3.asked_times(number + 1).await;
        signal("KILL", pid);
        crate::support::sandbox::finish(child).await.assert_code(-1);
        vault.s3.heal();
        let sets = vault.sets().await;
        let keys = vault.s3.keys();
        assert!(sets.is_empty() || keys.len() == 4, "{line}: {keys:?}");
        vault.age();
        vault.run(&["backup", "prune", "--plan"]).await.assert_code(0);
        assert_eq!(vault.s3.keys(), keys, "{line}: a plan changes nothing");
        vault.run(&["backup", "prune"]).await.assert_code(0);
        assert!(vault.s3.bucket().uploads.is_empty(), "{line}: parts are left");
        assert_eq!(vault.s3.keys().len(), 4 * sets.len(), "{line}: debris is left");
        // The Lease of the dead run.
        if vault.lab.store.get("leases", SANDBOX, LEASE).is_some() {
            vault.lab.expire_lease();
            vault.run(&["recover"]).await.assert_code(0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_leaves_foreign_and_young_uploads_alone_and_says_when_it_cannot_tell() {
    let vault = Vault::small(1).await;
    let set = "20200101T000000Z-aa";
    let keys = [
        ("old", format!("sandbox-lifecycle/prod/db/{set}.dump")),
        ("old2", format!("sandbox-lifecycle/prod/docs/{set}.tar")),
        ("old3", format!("sandbox-lifecycle/prod/docs/{set}.tar.age")),
        ("young", format!("sandbox-lifecycle/prod/docs/{set}.tar")),
        ("foreign", "sandbox-lifecycle/prod/notes.txt".to_owned()),
        ("sandbox", format!("sandbox-lifecycle/sandbox/docs/{set}.tar")),
    ];
    for (id, key) in keys {
        vault.s3.bucket().uploads.insert(id.to_owned(), (key, Default::default()));
        if id != "young" {
            vault.s3.bucket().modified.insert(id.to_owned(), 1_577_836_800);
        }
    }
    let left = || vault.s3.bucket().uploads.keys().cloned().collect::<Vec<_>>();
    vault.run(&["backup", "prune", "--plan"]).await.assert_code(0).assert_says("would remove the parts");
    assert_eq!(left().len(), 6);
    vault.run(&["backup", "prune"]).await.assert_code(0).assert_says("removed the parts of the unfinished upload");
    assert_eq!(left(), ["foreign", "sandbox", "young"]);
    vault.s3.bucket().lists_no_uploads = true;
    vault.run(&["backup", "prune"]).await.assert_code(0).assert_says("AbortIncompleteMultipartUpload");
    // Neither does a backup fail for it; it tells.
    let report = vault.run(&["--output", "json", "backup"]).await.assert_code(0).json();
    assert!(report["warnings"].to_string().contains("AbortIncompleteMultipartUpload"), "{report}");
}
