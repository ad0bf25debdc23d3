//! `doctor backup`: the bucket is looked at, and nothing in it is changed.

use super::{assert_line, says};
use crate::backup::vault::Vault;
use crate::support::s3::S3;
use crate::support::sandbox::Sandbox;

const ARGUMENTS: [&str; 3] = ["backup", "--s3-secret", "bucket-key"];

async fn vault() -> Vault {
    Vault::of(super::small().await, S3::start().await)
}

async fn assert_bucket(lab: &Sandbox, check: &str, state: &str, words: &[&str]) {
    assert_line(lab, &ARGUMENTS, check, state, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_it_says_what_it_cannot_know_and_only_reads() {
    let vault = vault().await;
    let lab = &vault.lab;
    for (check, words) in [
        ("bucket", "s3://backups/sandbox-lifecycle/prod may be listed: 0 sets"),
        ("bucket", "cannot be seen without doing it"),
        ("clock", "of the store's"),
        ("uploads", "no parts"),
    ] {
        let words = if check == "clock" { "the store's" } else { words };
        assert_bucket(lab, check, "ok", &[words]).await;
    }
    assert!(says(lab, &ARGUMENTS, "Secret").await.iter().all(|(state, _)| state == "ok"));
    let seen = vault.s3.bucket().seen.clone();
    assert!(seen.iter().all(|line| line.starts_with("GET ")), "{seen:?}");
    lab.run(&[&["doctor"][..], &ARGUMENTS].concat()).await.assert_code(0);
    assert!(says(lab, &["refresh"], "bucket").await.is_empty(), "no other command needs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_has_its_line_and_its_fix() {
    let vault = vault().await;
    let lab = &vault.lab;
    assert_line(lab, &["backup"], "bucket", "failed", &["name the Secret", "create secret generic"]).await;
    let absent = ["backup", "--s3-secret", "absent"];
    assert_line(lab, &absent, "bucket", "failed", &["absent", "create secret generic absent"]).await;
    vault.s3.bucket().clock_ahead = 3600;
    assert_bucket(lab, "bucket", "failed", &["s behind the store's: set it right"]).await;
    assert_bucket(lab, "clock", "failed", &["behind the store's", "NTP"]).await;
    vault.s3.bucket().clock_ahead = 600;
    assert_bucket(lab, "clock", "failed", &["a store refuses 900 s"]).await;
    vault.s3.bucket().clock_ahead = 0;
    vault.s3.bucket().is_gone = true;
    assert_bucket(lab, "bucket", "failed", &["there is no such bucket", "--s3-endpoint"]).await;
    vault.s3.bucket().is_gone = false;
    vault.s3.bucket().lists_no_uploads = true;
    assert_bucket(lab, "uploads", "warning", &["NotImplemented", "AbortIncompleteMultipartUpload"]).await;
    vault.s3.bucket().lists_no_uploads = false;
    let key = "sandbox-lifecycle/prod/docs/20200101T000000Z-aa.tar".to_owned();
    vault.s3.bucket().uploads.insert("old".to_owned(), (key, Default::default()));
    vault.s3.bucket().modified.insert("old".to_owned(), 1_577_836_800);
    assert_bucket(lab, "uploads", "warning", &["1 unfinished", "backup prune"]).await;
    assert_eq!(vault.s3.bucket().uploads.len(), 1);
    let secret = vault.with_key("another/one").await;
    let lines = says(lab, &ARGUMENTS, "bucket").await;
    assert!(lines.iter().any(|(state, line)| state == "failed" && line.contains("secret_key")), "{lines:?}");
    assert!(!format!("{lines:?}").contains(&secret));
    vault.put("endpoint", "http://127.0.0.1:9");
    let started = std::time::Instant::now();
    assert_bucket(lab, "bucket", "failed", &["cannot list", "the store must answer"]).await;
    assert!(started.elapsed().as_secs() < 15, "a store that does not answer is not waited for");
}
