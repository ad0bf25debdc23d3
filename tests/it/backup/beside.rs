//! What others do to the bucket while a backup is under way: its unfinished set is nobody's debris, and no set is half of another.

use serde_json::Value;
use tokio::process::Child;

use super::vault::{SECRET, Vault};
use crate::support::postgres::Production;
use crate::support::s3::Fault;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, finish};

/// Of which the other backup has none.
const LATE_PART: &str = "partNumber=3";
const DEBRIS: &str = "sandbox-lifecycle/prod/docs/20200101T000000Z-aa.tar";

/// A backup that has its database in the bucket, and two parts of its documents; it goes on when the store is healed.
async fn half_way(vault: &Vault) -> Child {
    vault.s3.trouble(|_, line| line.contains(LATE_PART).then_some(Fault::Held));
    let child = vault.command(&["backup"]).spawn().expect("the binary starts");
    vault.s3.asked(LATE_PART).await;
    child
}

/// What a run that was killed years ago has left.
fn leave_debris(vault: &Vault) {
    let mut bucket = vault.s3.bucket();
    bucket.objects.insert(DEBRIS.to_owned(), b"x".to_vec());
    bucket.uploads.insert("old".to_owned(), (DEBRIS.to_owned(), Default::default()));
    for name in [DEBRIS, "old"] {
        bucket.modified.insert(name.to_owned(), 1_577_836_800);
    }
}

/// Keys of objects and of uploads.
fn there(vault: &Vault) -> (Vec<String>, Vec<String>) {
    let bucket = vault.s3.bucket();
    (bucket.objects.keys().cloned().collect(), bucket.uploads.values().map(|upload| upload.0.clone()).collect())
}

/// Another cluster's lab with the same bucket, and no documents to speak of.
async fn neighbour(vault: &Vault) -> Sandbox {
    let other = Sandbox::with(&Production::Small, &[]).await;
    other.create("secrets", vault.s3.secret(SECRET, SANDBOX));
    std::fs::create_dir_all(other.documents(PROD).join("mycompany")).expect("a tree");
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_takes_debris_and_leaves_the_set_that_is_half_way() {
    let vault = Vault::small(40).await;
    let child = half_way(&vault).await;
    let unfinished = there(&vault);
    assert_eq!((unfinished.0.len(), unfinished.1.len()), (2, 1), "the dump, what goes with it, the documents' upload");
    leave_debris(&vault);
    vault.run(&["backup", "prune"]).await.assert_code(0).assert_says(DEBRIS);
    assert_eq!(there(&vault), unfinished);
    vault.s3.heal();
    finish(child).await.assert_code(0);
    vault.run(&["backup", "verify"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clusters_backup_prunes_at_its_end_and_leaves_the_set_that_is_half_way() {
    let vault = Vault::small(40).await;
    let other = neighbour(&vault).await;
    let child = half_way(&vault).await;
    let unfinished = there(&vault);
    leave_debris(&vault);
    let mut beside = other.command(&["--output", "json", "backup", "--min-tables", "10", "--s3-secret", SECRET]);
    let theirs = finish(beside.spawn().expect("the binary starts")).await.assert_code(0).json();
    let theirs = theirs["backup"]["set"].as_str().expect("a set").to_owned();
    let (objects, uploads) = there(&vault);
    assert!(!objects.contains(&DEBRIS.to_owned()), "it has pruned: {objects:?}");
    assert!(unfinished.0.iter().all(|key| objects.contains(key)), "{objects:?}");
    assert_eq!(uploads, unfinished.1);
    vault.s3.heal();
    // Theirs was begun later, so it is the day's newest; what has just been made stays for all that.
    finish(child).await.assert_code(0);
    let sets = vault.sets().await;
    assert_eq!((sets.len(), &sets[0]), (2, &theirs), "{sets:?}");
    for set in &sets {
        vault.run(&["backup", "verify", set]).await.assert_code(0);
    }
    vault.run(&["backup", "prune"]).await.assert_code(0).assert_says(&format!("removed set {}", sets[1]));
    assert_eq!(vault.sets().await, [theirs]);
}

/// As if another production had made the set before all others; of its objects, the manifest alone.
fn leave_set_of(vault: &Vault, server: &str, id: &str, begun_at: &str) {
    let mut bucket = vault.s3.bucket();
    let manifest = bucket.objects.iter().find(|(key, _)| key.matches('/').count() == 2).expect("a manifest");
    let mut manifest: Value = serde_json::from_slice(manifest.1).expect("JSON");
    assert!(manifest["database"]["system_identifier"].is_string(), "{manifest}");
    manifest["database"]["system_identifier"] = server.into();
    manifest["id"] = id.into();
    manifest["begun_at"] = begun_at.into();
    bucket.objects.insert(format!("sandbox-lifecycle/prod/{id}.json"), manifest.to_string().into_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_of_two_productions_under_one_prefix_leave_each_other_theirs() {
    let vault = Vault::small(1).await;
    vault.run(&["backup"]).await.assert_code(0);
    let ours = vault.sets().await;
    let theirs = ["20200101T010000Z-bb", "20200101T010000Z-aa"];
    // Begun in the same second, so their names do not tell which is the newer one.
    leave_set_of(&vault, "7000000000000000001", theirs[0], "2020-01-01T01:00:00.1Z");
    leave_set_of(&vault, "7000000000000000001", theirs[1], "2020-01-01T01:00:00.9Z");
    let prune = ["backup", "prune", "--keep-days", "1", "--keep-months", "0", "--keep-years", "0"];
    let pruned = vault.run(&prune).await.assert_code(0);
    assert_eq!(pruned.stdout.trim(), format!("removed set {}", theirs[0]));
    assert_eq!(vault.sets().await, [ours[0].as_str(), theirs[1]], "each keeps its newest");
    vault.run(&["backup", "list"]).await.assert_code(0).assert_says("erp of server 7000000000000000001");
    // The newest of all is taken, and that there are others is said.
    let refreshed = vault.run(&["refresh", "--from-backup"]).await.assert_code(0);
    refreshed.assert_says("has sets of database erp of server 7000000000000000001 as well").assert_says(&ours[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_whose_object_was_taken_before_it_was_sealed_is_none() {
    let vault = Vault::small(40).await;
    let child = half_way(&vault).await;
    // It takes so long that its dump is debris to a prune, as a store has it that lists no uploads.
    vault.age();
    vault.s3.bucket().lists_no_uploads = true;
    vault.run(&["backup", "prune"]).await.assert_code(0).assert_says("removed debris");
    vault.s3.heal();
    vault.s3.bucket().lists_no_uploads = false;
    finish(child).await.assert_code(1).assert_says("is not in the bucket any more as it was stored");
    assert!(vault.s3.bucket().uploads.is_empty());
    assert!(vault.sets().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_vanishes_while_the_sets_are_read_hinders_neither_a_list_nor_a_prune() {
    let vault = Vault::small(1).await;
    vault.run(&["backup"]).await.assert_code(0);
    for command in ["list", "prune"] {
        let kept = vault.s3.bucket().objects.clone();
        let manifest = kept.keys().find(|key| key.matches('/').count() == 2).expect("the manifest");
        let asked = format!("GET /backups/{manifest}");
        let words = asked.clone();
        vault.s3.trouble(move |_, line| line.starts_with(&words).then_some(Fault::Held));
        let child = vault.command(&["backup", command]).spawn().expect("the binary starts");
        vault.s3.asked(&asked).await;
        // As the prune of another cluster does.
        vault.s3.bucket().objects.clear();
        vault.s3.heal();
        finish(child).await.assert_code(0);
        vault.s3.bucket().objects = kept;
    }
}
