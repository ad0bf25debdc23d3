//! A store that is slow is waited for, and one that stands still is given up in bounded time.

use std::time::{Duration, Instant};

use super::vault::Vault;
use crate::support::s3::Fault;

/// A part on which nothing moves.
const SENT_AT_MOST: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for_and_the_rate_is_shown() {
    let vault = Vault::small(60).await;
    // Four parts of documents at 2 s each, and every other request takes its time as well.
    vault.s3.trouble(|_, line| Some(Fault::Late(if line.contains("partNumber=") { 2_000 } else { 300 })));
    let ran = vault.run(&["backup"]).await.assert_code(0);
    let mut lines = ran.stderr.lines();
    assert!(lines.any(|line| line.contains(" s: ") && line.contains(" MB, ") && line.ends_with("/s")), "{ran:?}");
    vault.s3.heal();
    vault.run(&["backup", "verify"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_on_which_nothing_moves_ends_the_backup_in_bounded_time_and_nothing_is_left() {
    let vault = Vault::small(40).await;
    let before = vault.lab.world();
    for part in ["partNumber=1&", "partNumber=3"] {
        vault.s3.trouble(move |_, line| (line.contains("docs/") && line.contains(part)).then_some(Fault::Stall));
        let started = Instant::now();
        let ran = vault.run(&["backup", "--s3-patience", "1"]).await.assert_code(1);
        let ran = ran.assert_says("the store stands still: nothing has moved for 1 s");
        assert!(!ran.stderr.contains("uploadId"), "{ran:?}");
        let stalled = |line: &&String| line.contains("docs/") && line.contains(part);
        assert_eq!(vault.s3.bucket().seen.iter().filter(stalled).count(), SENT_AT_MOST, "{part}");
        assert!(started.elapsed() < Duration::from_secs(30), "{part}: {:?}", started.elapsed());
        vault.s3.heal();
        assert_eq!(vault.lab.world(), before, "{part}: a Job, a Secret or a Lease is left");
        let bucket = vault.s3.bucket();
        assert!(bucket.uploads.is_empty(), "{part}: {:?}", bucket.uploads.keys());
        assert!(!bucket.objects.keys().any(|key| key.contains("/docs/")), "{part}: {:?}", bucket.objects.keys());
    }
    assert!(vault.sets().await.is_empty());
}
