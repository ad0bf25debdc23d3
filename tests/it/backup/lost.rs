//! All is lost but the bucket: the real Dolibarr database, where it is at hand, and documents of some size come back into an empty sandbox.

use std::fs;
use std::time::Duration;

use super::from::make_anew;
use super::vault::Vault;
use crate::support::memory::{MOST, peak};
use crate::support::postgres::{PostgresServer, Production};
use crate::support::s3::S3;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};

/// Longer than a gigabyte takes on a busy machine.
const LONG: Duration = Duration::from_secs(1500);

/// Runs it to its end, and gives its report, and how many MiB it had resident.
async fn run(vault: &Vault, arguments: &[&str]) -> (serde_json::Value, f64) {
    let mut command = vault.lab.command(&[&["--output", "json"], arguments].concat());
    command.env("SANDBOX_LIFECYCLE_S3_SECRET", "bucket-key").stderr(std::process::Stdio::null());
    let child = command.spawn().expect("the binary starts");
    let pid = child.id().expect("it runs");
    let ended = tokio::time::timeout(LONG, child.wait_with_output());
    let (highest, output) = peak(pid, ended).await;
    let output = output.expect("in time").expect("its output");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
    (serde_json::from_str(&text).expect("a report"), highest)
}

/// Bytes that no compression makes less of, the same for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length.div_ceil(8)).flatten().take(length).collect()
}

/// `files` of a quarter of a mebibyte each, in directories of a hundred.
async fn come_back(files: u64) {
    let production = PostgresServer::real_dump().unwrap_or(Production::Fixture);
    let vault = Vault::of(Sandbox::with(&production, &[]).await, S3::start().await).with_documents();
    for file in 0..files {
        let directory = vault.lab.documents(PROD).join(format!("mycompany/facture/{}", file / 100));
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join(format!("FA{file}.pdf")), noise(file + 1, 1 << 18)).expect("a file");
    }
    let (then, documents) = (vault.lab.world(), vault.tree(PROD));
    let (made, making) = run(&vault, &["backup"]).await;
    assert!(made["backup"]["files"].as_u64() >= Some(files), "{made}");
    let (_, verifying) = run(&vault, &["backup", "verify"]).await;
    make_anew(&vault);
    fs::remove_dir_all(vault.lab.documents(SANDBOX).join("mycompany")).expect("lost");
    fs::remove_dir_all(vault.lab.documents(PROD).join("mycompany")).expect("lost");
    assert_ne!(vault.lab.world().sandbox, then.production);
    let (report, refreshing) = run(&vault, &["refresh", "--from-backup"]).await;
    assert_eq!(vault.lab.world().sandbox, then.production, "the database");
    assert!(vault.tree(SANDBOX) == documents, "the documents");
    assert!(report["documents"]["bytes"].as_u64() >= Some(files << 18), "{report}");
    assert_eq!(report["database"]["rows"], made["backup"]["rows"]);
    let resident = [making, verifying, refreshing];
    assert!(resident.iter().all(|highest| (1.0..MOST).contains(highest)), "{resident:?} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_sandbox_becomes_what_was_backed_up() {
    come_back(100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: a gigabyte of documents"]
async fn an_empty_sandbox_becomes_what_was_backed_up_with_a_gigabyte_of_documents() {
    come_back(4096).await;
}
