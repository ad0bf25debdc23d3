//! A set's documents in the sandbox: equal to what was backed up, whatever was there, and nothing of a set that is not what it seems.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::vault::{Vault, forge};
use crate::support::container::image::{APP, APP_BUSYBOX};
use crate::support::memory::{MOST, peak};
use crate::support::s3::S3;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, finish};
use crate::support::scene::Scene;

/// Brings the sandbox to the newest set, without the database where that is not of interest.
async fn bring(vault: &Vault) -> Value {
    vault.run(&["--output", "json", "refresh", "--from-backup"]).await.assert_code(0).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_back_into_an_empty_sandbox_and_only_what_differs_is_sent() {
    let vault = Vault::new().await;
    vault.run(&["backup"]).await.assert_code(0);
    let (then, target) = (vault.tree(PROD), vault.lab.documents(SANDBOX));
    fs::remove_dir_all(vault.lab.documents(PROD).join("mycompany")).expect("production's are lost");
    fs::remove_dir_all(target.join("mycompany")).expect("so are the sandbox's");
    fs::write(target.join("install.lock"), "").expect("a file");
    let report = bring(&vault).await;
    assert_eq!(vault.tree(SANDBOX), then);
    assert!(target.join("install.lock").exists(), "what lies beside the trees is left alone");
    let tar = vault.s3.bucket().objects.iter().find(|(key, _)| key.ends_with(".tar")).expect("the archive").1.clone();
    let sum: String = Sha256::digest(&tar).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(report["from_backup"]["documents_sha256"], sum);
    assert_eq!((&report["documents"]["files"], &report["documents"]["passes"]), (&8.into(), &1.into()), "{report}");

    let again = bring(&vault).await;
    assert_eq!((&again["documents"]["files"], &again["documents"]["passes"]), (&0.into(), &0.into()), "{again}");
    fs::write(target.join("mycompany/facture/2026/big.bin"), "other").expect("a file");
    fs::write(target.join("mycompany/facture/new"), "new").expect("a file");
    let mended = bring(&vault).await;
    assert_eq!((&mended["documents"]["files"], &mended["documents"]["removed"]), (&1.into(), &1.into()), "{mended}");
    assert_eq!(vault.tree(SANDBOX), then);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_backup_leaves_out_is_left_alone() {
    let vault = Vault::new().await;
    for namespace in [PROD, SANDBOX] {
        let tree = vault.lab.documents(namespace).join("mycompany");
        fs::create_dir_all(tree.join("facture/temp/7")).expect("a directory");
        fs::write(tree.join("facture/temp/7/x.pdf"), namespace).expect("a file");
        fs::write(tree.join("cron.log"), namespace).expect("a file");
    }
    vault.run(&["backup"]).await.assert_code(0);
    bring(&vault).await;
    let tree = vault.lab.documents(SANDBOX).join("mycompany");
    for kept in ["facture/temp/7/x.pdf", "cron.log"] {
        assert_eq!(fs::read_to_string(tree.join(kept)).expect("it is there"), SANDBOX, "{kept}");
    }
    assert!(!tree.join("stale").exists() && tree.join("facture/2026/big.bin").exists());
    assert_eq!(bring(&vault).await["documents"]["passes"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_without_the_tree_is_refused_before_the_sandbox_is_stopped() {
    let vault = Vault::new().await;
    fs::remove_dir_all(vault.lab.documents(PROD).join("mycompany")).expect("removed");
    vault.run(&["backup"]).await.assert_code(0);
    let (before, documents) = (vault.lab.world(), vault.tree(SANDBOX));
    vault.run(&["refresh", "--from-backup"]).await.assert_code(1).assert_says("no documents tree mycompany");
    assert_eq!((vault.lab.world(), vault.tree(SANDBOX)), (before, documents));
    assert!(!vault.lab.api.record.writes().iter().any(|line| line.starts_with("patch ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_leads_elsewhere_is_refused_whole_though_all_its_sums_are_right() {
    let vault = Vault::new().await;
    fs::write(vault.lab.documents(PROD).join("mycompany/victim"), "victim").expect("a file");
    vault.run(&["backup"]).await.assert_code(0);
    let (before, documents) = (vault.lab.world(), vault.tree(SANDBOX));
    let honest = vault.s3.bucket().objects.clone();
    for evil in ["./mycompany/../../../evil", "/evil", "./mycompany/outside/evil", "./mycompany/.hidden"] {
        forge(&vault, ".tar", ("documents", "tar"), |tar| rename(tar, b"./mycompany/victim", evil.as_bytes()));
        for arguments in [&["refresh", "--from-backup"][..], &["backup", "verify"], &["backup", "verify", "--restore"]]
        {
            vault.run(arguments).await.assert_code(1).assert_says("cannot be trusted");
        }
        assert_eq!((vault.lab.world(), vault.tree(SANDBOX)), (before.clone(), documents.clone()), "{evil}");
        vault.s3.bucket().objects.clone_from(&honest);
    }
    forge(&vault, ".tar", ("documents", "tar"), |tar| tar.truncate(8 * 512));
    vault.run(&["backup", "verify"]).await.assert_code(1).assert_says("cut");
}

/// Gives the first member of this name another one.
fn rename(tar: &mut [u8], name: &[u8], other: &[u8]) {
    let named = |block: &[u8]| block.starts_with(name) && block[name.len()] == 0;
    let at = tar.chunks(512).position(named).expect("the member") * 512;
    let header = &mut tar[at..at + 512];
    header[..100].fill(0);
    header[..other.len()].copy_from_slice(other);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_is_no_document_and_hinders_nothing() {
    let vault = Vault::new().await;
    let fifo = vault.lab.documents(PROD).join("mycompany/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    vault.run(&["backup"]).await.assert_code(0);
    fs::remove_file(fifo).expect("removed");
    let report = bring(&vault).await;
    assert_eq!(report["documents"]["special"], 1, "{report}");
    let names = |namespace: &str| vault.tree(namespace).lines().filter(|line| line.starts_with('f')).count();
    assert_eq!(names(SANDBOX), names(PROD));
    assert!(!vault.lab.documents(SANDBOX).join("mycompany/fifo").exists());
}

fn touch(tree: &Path, types: &str) {
    let mut find = std::process::Command::new("find");
    find.arg(tree).args(["-type", types, "-exec", "touch", "-h", "-d", "@1000000000", "{}", "+"]);
    assert!(find.status().expect("find runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn busybox_on_either_side_gives_the_same_trees() {
    let lab = Sandbox::new().await;
    let vault = Vault::of(lab, S3::start().await).with_documents();
    let (source, target) =
        (vault.lab.documents(PROD).join("mycompany"), vault.lab.documents(SANDBOX).join("mycompany"));
    // Names of one file: busybox archives them as such.
    fs::hard_link(source.join("é à.pdf"), source.join("zz same.pdf")).expect("a link");
    touch(&source, "f,d,l");
    for (from, into) in [(APP, APP_BUSYBOX), (APP_BUSYBOX, APP_BUSYBOX), (APP_BUSYBOX, APP)] {
        for (namespace, image) in [(PROD, from), (SANDBOX, into)] {
            vault.lab.redeploy(namespace, |spec| spec["containers"][0]["image"] = image.into()).await;
        }
        vault.run(&["backup"]).await.assert_code(0);
        fs::remove_dir_all(&target).expect("removed");
        bring(&vault).await;
        touch(&target, "l");
        assert_eq!(vault.tree(SANDBOX), vault.tree(PROD), "from {from} to {into}");
        fs::remove_file(target.join("zz same.pdf")).expect("removed");
        bring(&vault).await;
        assert_eq!(bring(&vault).await["documents"]["files"], 0, "from {from} to {into}");
        vault.s3.bucket().objects.clear();
    }
}

/// Shell scripts that are the tar of an image, by busybox's: to be asked for a version tells nothing. The image's shell is another one,
/// as some builds of busybox call their own tar whatever PATH says.
const GOING: &str = "[ \"$1\" = -c ] && rm -f mycompany/gone.pdf; exec busybox tar \"$@\"";
const SHRINKING: &str = "[ \"$1\" = -c ] || exit 1; head -c 700 /dev/zero; echo 'tar: short read' >&2; exit 1";
const FAILING: &str =
    "[ \"$1\" = -c ] && echo 'tar: ./mycompany/gone.pdf: Input/output error' >&2; busybox tar \"$@\"; exit 1";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_while_busybox_reads_is_a_warning_and_what_it_cannot_read_a_failure() {
    let vault = Vault::new().await;
    let gone = vault.lab.documents(PROD).join("mycompany/gone.pdf");
    let images = &vault.lab.kubelet.config().images;
    for (name, tar) in [("going:1", GOING), ("shrinking:1", SHRINKING), ("failing:1", FAILING)] {
        images.with(name, APP, &[("tar", tar)]);
    }
    let backup = async |image: &str| {
        fs::write(&gone, "a draft").expect("a file");
        vault.lab.redeploy(PROD, |spec| spec["containers"][0]["image"] = image.into()).await;
        vault.run(&["--output", "json", "backup"]).await
    };
    let report = backup("going:1").await.assert_code(0).json();
    let warned = report["warnings"].to_string();
    assert!(warned.contains("1 file changed or went while they were read"), "{warned}");
    assert!(warned.contains("gone.pdf: No such file or directory"), "{warned}");
    vault.run(&["backup", "verify"]).await.assert_code(0);
    vault.s3.bucket().objects.clear();
    backup("shrinking:1").await.assert_code(1).assert_says("became shorter").assert_says("run the backup again");
    backup("failing:1").await.assert_code(1).assert_says("gone.pdf: Input/output error");
    assert!(vault.sets().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_it_midway_leaves_what_has_arrived_and_the_next_run_sends_the_rest() {
    let vault = Vault::new().await;
    fs::write(vault.lab.documents(PROD).join("mycompany/bulk"), vec![7; 8_000_000]).expect("a file");
    vault.run(&["backup"]).await.assert_code(0);
    let then = vault.tree(PROD);
    let midway =
        vault.lab.reach(&["--s3-secret", "bucket-key", "refresh", "--from-backup"], "Bring the documents").await;
    midway.signal("TERM");
    midway.end().await.assert_code(143);
    bring(&vault).await;
    assert_eq!(vault.tree(SANDBOX), then);
}

/// The content, three times as much as may be resident, is a hole that takes no disk.
#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_below_64_mib_whatever_the_size() {
    let vault = Vault::new().await;
    let file = fs::File::create(vault.lab.documents(PROD).join("mycompany/video")).expect("a file");
    file.set_len(192 << 20).expect("a size");
    for arguments in [&["backup"][..], &["refresh", "--from-backup"], &["backup", "verify"]] {
        let mut command = vault.lab.command(arguments);
        let child = command.env("SANDBOX_LIFECYCLE_S3_SECRET", "bucket-key").spawn().expect("the binary starts");
        let (highest, ran) = peak(child.id().expect("it runs"), finish(child)).await;
        ran.assert_code(0);
        assert!((1.0..MOST).contains(&highest), "{arguments:?}: {highest} MiB");
    }
    assert_eq!(vault.tree(SANDBOX), vault.tree(PROD));
}
