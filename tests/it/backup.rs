//! Backups on the lab, into a small S3 server: what is made, what is listed, what falls, and what a fault leaves.

mod beside;
mod documents;
mod faults;
mod from;
mod leftovers;
mod lost;
mod slow;
mod trouble;
pub(crate) mod vault;
mod verified;

use crate::support::s3::{ACCESS_KEY, SECRET_KEY};
use vault::Vault;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_a_whole_set_that_can_be_read_back() {
    let vault = Vault::new().await;
    let before = vault.lab.world();
    let ran = vault.run(&["--output", "json", "backup"]).await.assert_code(0);
    assert_eq!(vault.lab.world(), before, "nothing of the cluster is changed");
    let report = ran.json();
    let id = report["backup"]["set"].as_str().expect("a set").to_owned();
    assert!(report["backup"]["tables"].as_u64() >= Some(295), "{report}");
    let base = "sandbox-lifecycle/prod";
    let mut wanted = vec![
        format!("{base}/{id}.json"),
        format!("{base}/db/{id}.dump"),
        format!("{base}/db/{id}.set.json"),
        format!("{base}/docs/{id}.tar"),
    ];
    wanted.sort();
    assert_eq!(vault.s3.keys(), wanted);
    assert!(vault.s3.bucket().uploads.is_empty());
    let listed = vault.run(&["--output", "json", "backup", "list"]).await.assert_code(0).json();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["read_back_at"], listed.as_array().map(Vec::len)),
        (&report["backup"]["set"], &serde_json::Value::Null, Some(1))
    );
    vault.run(&["backup", "verify"]).await.assert_code(0).assert_says("is as it was stored");
    vault.run(&["backup", "list"]).await.assert_code(0).assert_says("read back").assert_says("newest");
    let shown = vault.run(&["backup", "show", &id[..8]]).await.assert_code(0);
    shown.assert_says("SHA-256").assert_says("read back  at 20").assert_says("restored   never");
    vault.lab.run(&["status"]).await.assert_code(0).assert_says(&id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_all_there_but_what_is_excluded() {
    let vault = Vault::new().await;
    let root = vault.lab.documents("erp");
    for (path, text) in [
        ("mycompany/invoice 1.pdf", "one"),
        ("mycompany/temp/t", "two"),
        ("admin/backup/b", "three"),
        ("x.log", "four"),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let report = vault.run(&["--output", "json", "backup"]).await.assert_code(0).json();
    let id = report["backup"]["set"].as_str().expect("a set");
    let tar = vault.s3.bucket().objects[&format!("sandbox-lifecycle/prod/docs/{id}.tar")].clone();
    let text = String::from_utf8_lossy(&tar).into_owned();
    assert!(text.contains("invoice 1.pdf") && text.contains("one"));
    for gone in ["two", "three", "four", "x.log"] {
        assert!(!text.contains(gone), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_is_found() {
    let vault = Vault::new().await;
    vault.run(&["backup"]).await.assert_code(0);
    for suffix in [".dump", ".tar", ".set.json"] {
        let key = vault.s3.keys().into_iter().find(|key| key.ends_with(suffix)).expect("the object");
        let flip = || {
            let mut bucket = vault.s3.bucket();
            let content = bucket.objects.get_mut(&key).expect("the object");
            let middle = content.len() / 2;
            content[middle] ^= 1;
        };
        flip();
        vault.run(&["backup", "verify"]).await.assert_code(1).assert_says("is damaged").assert_says(suffix);
        flip();
    }
    assert!(!vault.s3.keys().iter().any(|key| key.ends_with(".read.json")), "a damaged set is not noted as whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_opened_by_its_identity_alone() {
    let vault = Vault::new().await;
    let identity = age::x25519::Identity::generate();
    let file = vault.lab.dir.path().join("identity.txt");
    std::fs::write(&file, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).expect("written");
    vault.run(&["backup", "--age-recipient", &identity.to_public().to_string()]).await.assert_code(0);
    for (key, content) in &vault.s3.bucket().objects {
        assert_eq!(key.ends_with(".age"), content.starts_with(b"age-encryption.org/v1"), "{key}");
    }
    vault.run(&["backup", "verify"]).await.assert_code(0).assert_says("give --age-identity");
    let file = file.to_str().expect("a path");
    vault.run(&["backup", "verify", "--age-identity", file]).await.assert_code(0);
    assert!(vault.s3.keys().iter().any(|key| key.ends_with(".read.json")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buckets_key_is_seen_nowhere() {
    let vault = Vault::new().await;
    let ran = vault.run(&["-vv", "backup"]).await.assert_code(0);
    let wrong = vault.with_key("another/secret").await;
    let refused = vault.run(&["-vv", "backup", "list"]).await.assert_code(1).assert_says("the bucket's Secret");
    for said in [ran.stderr, ran.stdout, refused.stderr, refused.stdout] {
        assert!(!said.contains(SECRET_KEY) && !said.contains(&wrong));
    }
    for started in vault.lab.kubelet.started() {
        let all = format!("{started:?}");
        assert!(!all.contains(SECRET_KEY) && !all.contains(ACCESS_KEY), "{all}");
    }
    for seen in vault.lab.api.record.all() {
        assert!(!seen.body.to_string().contains(SECRET_KEY), "{}", seen.line());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_keeps_is_removed_and_debris_when_it_is_old() {
    let vault = Vault::new().await;
    vault.run(&["backup", "--keep-days", "1", "--keep-months", "0", "--keep-years", "0"]).await.assert_code(0);
    let first = vault.s3.keys();
    let debris = "sandbox-lifecycle/prod/db/20200101T000000Z-aa.dump";
    let fresh = "sandbox-lifecycle/prod/db/20200101T000000Z-bb.dump";
    let foreign = "sandbox-lifecycle/prod/notes.txt";
    for key in [debris, fresh, foreign] {
        vault.s3.bucket().objects.insert(key.to_owned(), b"x".to_vec());
    }
    vault.s3.bucket().modified.insert(debris.to_owned(), 1_577_836_800);
    vault.run(&["backup", "--keep-days", "0", "--keep-months", "0", "--keep-years", "0"]).await.assert_code(0);
    assert!(!vault.s3.keys().contains(&debris.to_owned()), "a backup prunes");
    let rules = ["--keep-days", "1", "--keep-months", "0", "--keep-years", "0"];
    let all = vault.s3.keys();
    vault
        .run(&[&["backup", "prune", "--plan"], &rules[..]].concat())
        .await
        .assert_code(0)
        .assert_says("would remove set");
    vault
        .run(&[&["--dry-run", "backup", "prune"], &rules[..]].concat())
        .await
        .assert_code(0)
        .assert_says("would remove set");
    assert_eq!(vault.s3.keys(), all, "a plan removes nothing");
    vault.run(&[&["backup", "prune"], &rules[..]].concat()).await.assert_code(0).assert_says("removed set");
    let left = vault.s3.keys();
    assert!(first.iter().all(|key| !left.contains(key)), "{left:?}");
    assert!(left.contains(&fresh.to_owned()) && left.contains(&foreign.to_owned()), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_object_lock_gets_its_checksums() {
    let vault = Vault::new().await;
    vault.s3.bucket().demands_checksum = true;
    vault.run(&["backup"]).await.assert_code(1).assert_says("object lock");
    assert!(vault.s3.keys().is_empty());
    vault.run(&["backup", "--s3-checksum", "true"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_is_backed_up_beside_production() {
    let vault = Vault::new().await;
    vault.run(&["backup", "--env", "sandbox"]).await.assert_code(0);
    assert!(vault.s3.keys().iter().all(|key| key.starts_with("sandbox-lifecycle/sandbox/")));
    let listed = vault.run(&["--output", "json", "backup", "list"]).await.assert_code(0).json();
    assert_eq!(listed, serde_json::json!([]), "production has none");
}
