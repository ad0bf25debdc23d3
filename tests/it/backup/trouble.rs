//! A store in trouble, or of another make: what passes is outlasted, what does not is told in a sentence, and nothing is overwritten.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::vault::{SECRET, Vault};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::postgres::Production;
use crate::support::s3::{Fault, S3};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, finish};

/// The first `times` requests with these words get the fault.
fn first(vault: &Vault, words: &'static str, times: usize, fault: Fault) {
    let left = AtomicUsize::new(times);
    vault.s3.trouble(move |_, line| {
        let mine = line.contains(words);
        let one = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        (mine && one()).then_some(fault)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_part_3_is_outlasted() {
    let vault = Vault::small(40).await;
    for fault in [Fault::CutInside, Fault::Cut, Fault::Lost] {
        first(&vault, "partNumber=3", 2, fault);
        vault.run(&["backup"]).await.assert_code(0);
        let sent = vault.s3.bucket().seen.iter().filter(|line| line.contains("partNumber=3")).count();
        assert_eq!(sent, 3, "{fault:?}");
        vault.run(&["backup", "verify"]).await.assert_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_asks_for_a_pause_gets_it() {
    let vault = Vault::small(1).await;
    first(&vault, "partNumber=1", 1, Fault::Busy(4));
    let started = Instant::now();
    vault.run(&["-v", "backup"]).await.assert_code(0).assert_says("asks for a pause of 4 s");
    assert!(started.elapsed().as_secs() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_key_the_clock_or_the_bucket_is_said_in_a_sentence() {
    let vault = Vault::small(1).await;
    for command in [&["backup"][..], &["refresh", "--from-backup"]] {
        let arguments = [&["--dry-run", "--s3-secret", "nosuch"], command].concat();
        vault.run(&arguments).await.assert_code(1).assert_says("nosuch: not found (see --s3-secret");
    }
    let started = vault.lab.kubelet.started().len();
    for ahead in [7200, -7200] {
        vault.s3.bucket().clock_ahead = ahead;
        let way = if ahead > 0 { "behind" } else { "ahead of" };
        let ran = vault.run(&["backup"]).await.assert_code(1);
        assert!(ran.stderr.contains(&format!("s {way} the store's: set it right, by NTP")), "{ran:?}");
    }
    vault.s3.bucket().clock_ahead = 0;
    vault.s3.bucket().is_gone = true;
    vault.run(&["backup"]).await.assert_code(1).assert_says("there is no such bucket");
    vault.s3.bucket().is_gone = false;
    let odd = vault.run(&["--s3-endpoint", "http://127.0.0.1:1", "backup", "list"]).await.assert_code(1);
    let odd = odd
        .assert_says("the store at http://127.0.0.1:1 cannot be reached: Connection refused")
        .assert_says("--s3-endpoint");
    assert!(!odd.stderr.contains("retries") && odd.stderr.trim_end().lines().count() == 1, "{odd:?}");
    vault.with_key("another").await;
    let ran = vault.run(&["backup"]).await.assert_code(1);
    let ran = ran.assert_says("the secret_key of the bucket's Secret is not that of its access_key");
    assert!(!ran.stderr.contains("<Error>"), "{ran:?}");
    assert_eq!(vault.lab.kubelet.started().len(), started, "no database is asked for that");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_goes_in_the_middle_leaves_no_set() {
    let vault = Vault::small(20).await;
    vault.s3.trouble(|_, line| line.contains("partNumber=2").then_some(Fault::Stall));
    let ran = vault
        .midway(&["backup", "--s3-patience", "3"], "partNumber=2", |_| {
            vault.s3.bucket().is_gone = true;
            vault.s3.heal();
        })
        .await
        .assert_code(1);
    ran.assert_says("there is no such bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_checksum_trailer_is_sent_and_a_checksum_only_on_request() {
    let vault = Vault::small(1).await;
    vault.run(&["backup"]).await.assert_code(0);
    let odd = |vault: &Vault| {
        let bucket = vault.s3.bucket();
        let odd = bucket.headers.iter().filter(|name| {
            ["trailer", "x-amz-checksum", "x-amz-sdk", "decoded-content", "content-encoding", "transfer-encoding"]
                .iter()
                .any(|word| name.contains(word))
        });
        odd.cloned().collect::<Vec<_>>()
    };
    assert_eq!(odd(&vault), Vec::<String>::new());
    vault.run(&["backup", "--s3-checksum", "true"]).await.assert_code(0);
    let sent = odd(&vault);
    assert!(sent.iter().all(|name| name.starts_with("x-amz-checksum")) && !sent.is_empty(), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_conditions_is_written_to_and_a_lost_answer_is_no_failure() {
    let vault = Vault::small(1).await;
    vault.s3.bucket().knows_no_conditions = true;
    vault.run(&["backup"]).await.assert_code(0);
    assert_eq!(vault.sets().await.len(), 1);
    vault.s3.bucket().knows_no_conditions = false;
    for fault in [Fault::Lost, Fault::CutInside] {
        let done = std::sync::Mutex::new(std::collections::BTreeSet::new());
        vault.s3.trouble(move |_, line| {
            let writes = line.starts_with("PUT") && !line.contains("partNumber") || line.contains("?uploadId=");
            (writes && done.lock().expect("a set").insert(line.to_owned())).then_some(fault)
        });
        vault.run(&["backup"]).await.assert_code(0);
        vault.s3.heal();
        vault.run(&["backup", "verify"]).await.assert_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_not_even_what_comes_to_be_meanwhile() {
    for suffix in [".tar", ".dump", ".set.json", ".json"] {
        let vault = Vault::small(1).await;
        let there = std::sync::Mutex::new(None);
        let seen = std::sync::Arc::new(there);
        let key = seen.clone();
        // Just before the last request that makes the object.
        vault.s3.trouble(move |_, line| {
            let path = line.split([' ', '?']).nth(1).unwrap_or_default();
            let makes = line.starts_with("PUT") && !line.contains("partNumber") || line.contains("partNumber=1");
            if makes && path.ends_with(suffix) && (suffix != ".json" || !path.ends_with(".set.json")) {
                *key.lock().expect("a key") = path.strip_prefix("/backups/").map(str::to_owned);
                return Some(Fault::Slow(1 << 20));
            }
            None
        });
        let child = vault.command(&["backup"]).spawn().expect("the binary starts");
        vault.s3.asked_for(|| seen.lock().expect("a key").is_some()).await;
        let key = seen.lock().expect("a key").clone().expect("a key");
        vault.s3.bucket().objects.insert(key.clone(), b"somebody's".to_vec());
        let ran = finish(child).await;
        assert_eq!(ran.code, 1, "{suffix}: {ran:?}");
        assert_eq!(vault.s3.bucket().objects[&key], b"somebody's", "{suffix}");
        assert!(vault.s3.bucket().uploads.is_empty(), "{suffix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_by_an_authority_of_ones_own() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let s3 = S3::start_tls(lab.dir.path()).await;
    let ca = std::fs::read_to_string(lab.dir.path().join("ca.pem")).expect("the authority");
    let vault = Vault::of(lab, s3).few_tables();
    vault.populate(1);
    vault.run(&["backup", "list"]).await.assert_code(1).assert_says("certificate");
    vault.put("ca", "no certificate");
    vault.run(&["backup", "list"]).await.assert_code(1).assert_says("the bucket's CA");
    vault.put("ca", &ca);
    vault.run(&["backup"]).await.assert_code(0);
    vault.run(&["backup", "verify"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exec_that_is_cut_while_a_set_is_received_changes_nothing() {
    let vault = Vault::small(1).await;
    vault.run(&["backup"]).await.assert_code(0);
    let before = vault.lab.world();
    for how in [Break::CutAfterReceiving(9_000), Break::CutAfterSending(0)] {
        let mut cut = ExecFault::once(SANDBOX, how);
        (cut.command, cut.times) = ("RECEIVE_FILE_SH".to_owned(), usize::MAX);
        vault.lab.kubelet.exec_faults().arm(cut);
        vault
            .run(&["refresh", "--from-backup"])
            .await
            .assert_code(1)
            .assert_says("could not bring the backup into the Job");
        vault.lab.kubelet.exec_faults().disarm();
        assert_eq!(vault.lab.world(), before, "{how:?}");
    }
    vault.run(&["refresh", "--from-backup"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backup_beside_one_is_refused_and_two_clusters_with_one_bucket_do_not_mix() {
    let vault = Vault::small(20).await;
    // The first part takes 16 s, in which the Lease is renewed.
    vault
        .s3
        .trouble(|_, line| (line.contains("docs/") && line.contains("partNumber=1")).then_some(Fault::Slow(1 << 20)));
    let child = vault.command(&["backup"]).spawn().expect("the binary starts");
    vault.s3.asked("partNumber=1").await;
    vault.run(&["backup"]).await.assert_code(1).assert_says("is held by");
    finish(child).await.assert_code(0);
    vault.s3.heal();
    let other = Sandbox::with(&Production::Small, &[]).await;
    other.create("secrets", vault.s3.secret(SECRET, SANDBOX));
    std::fs::create_dir_all(other.documents(PROD).join("mycompany")).expect("a tree");
    let mut beside = other.command(&["backup", "--min-tables", "10", "--s3-secret", SECRET]);
    let (one, two) = tokio::join!(vault.run(&["backup"]), finish(beside.spawn().expect("the binary starts")));
    one.assert_code(0);
    two.assert_code(0);
    // Of one day the newest is kept.
    vault.run(&["backup", "verify"]).await.assert_code(0);
}
