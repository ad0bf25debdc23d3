//! What a production in use and a sandbox's disk do to a copy.

use super::{populate, tree};
use crate::support::container::image::{APP, APP_BARE};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use sandbox_lifecycle::documents::{SEND_SCRIPT, sent};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

/// Production with a `tar` before which this happens; it runs once for the list and once for the content.
async fn production_in_use(lab: &Sandbox, happens: &str) {
    let tar = format!("cd /var/www/documents/mycompany && {happens}\ncd - >/dev/null\nexec /.image/usr/bin/tar \"$@\"");
    let name = "docker.io/library/sandbox-app:1-in-use";
    lab.kubelet.config().images.with(name, APP, &[("tar", &tar)]);
    lab.redeploy(PROD, |spec| spec["containers"][0]["image"] = name.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_again_is_reported_and_not_fatal() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 1_000);
    production_in_use(&lab, "[ \"$1\" = --version ] || echo line >>'a b.log'").await;
    fs::write(lab.documents(PROD).join("mycompany/a b.log"), "").expect("a file");
    let ran = lab.run(&["--output", "json", "sync-documents"]).await.assert_code(0);
    let ran = ran.assert_says("production changed 1 file twice while");
    let report = ran.json();
    assert_eq!(report["documents"]["passes"], 2, "{report}");
    let changed = report["documents"]["changed_while_read"].as_array().expect("a list");
    assert!(changed.len() == 1 && changed[0].as_str().expect("a path").ends_with("mycompany/a b.log"), "{report}");
    assert_eq!(report["warnings"].as_array().map(Vec::len), Some(1), "{report}");
    let copy = fs::read_to_string(lab.documents(SANDBOX).join("mycompany/a b.log")).expect("it arrived");
    assert!(copy.starts_with("line\n"), "{copy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_once_is_sent_again_and_nothing_is_said() {
    let lab = Sandbox::new().await;
    let tree_of = |namespace| lab.documents(namespace).join("mycompany");
    populate(&lab.documents(PROD), 1_000);
    fs::write(tree_of(PROD).join("log"), "").expect("a file");
    fs::write(tree_of(PROD).join("first"), "").expect("a file");
    production_in_use(&lab, "[ \"$1\" = --version ] || ! rm first 2>/dev/null || echo line >>log").await;
    let report = lab.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
    assert_eq!((&report["documents"]["passes"], &report["warnings"]), (&2.into(), &json!(null)), "{report}");
    assert_eq!(tree(&tree_of(SANDBOX)), tree(&tree_of(PROD)), "the file that vanished is gone here too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_in_the_sandbox_is_fatal_with_the_path() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 9_000_000);
    lab.redeploy(SANDBOX, |spec| {
        spec["volumes"][0] = json!({"name": "documents", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}});
    })
    .await;
    let ran = lab.run(&["sync-documents"]).await.assert_code(1);
    ran.assert_says("mycompany/facture/2026/big.bin")
        .assert_says("No space left on device")
        .assert_says("run it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_fatal_with_the_path_on_either_side() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD), lab.documents(SANDBOX));
    populate(&source, 1_000);
    fs::create_dir_all(target.join("mycompany/facture")).expect("a directory");
    let unprivileged = |spec: &mut serde_json::Value| spec["securityContext"] = json!({"runAsUser": 33});
    lab.redeploy(SANDBOX, unprivileged).await;
    let ran = lab.run(&["sync-documents"]).await.assert_code(1);
    ran.assert_says("in the sandbox /var/www/documents/mycompany cannot be written to").assert_says("fsGroup");
    chown(target.join("mycompany"), Some(33), Some(33)).expect("chown");
    let ran = lab.run(&["sync-documents"]).await.assert_code(1);
    ran.assert_says("mycompany/facture").assert_says("ermission denied");
    chown(target.join("mycompany/facture"), Some(33), Some(33)).expect("chown");
    lab.run(&["sync-documents"]).await.assert_code(0);

    lab.redeploy(PROD, unprivileged).await;
    fs::write(source.join("mycompany/sealed.pdf"), "sealed").expect("a file");
    fs::set_permissions(source.join("mycompany/sealed.pdf"), fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::write(source.join("mycompany/zz.pdf"), "open").expect("a file");
    let ran = lab.run(&["sync-documents"]).await.assert_code(1);
    ran.assert_says("mycompany/sealed.pdf").assert_says("ermission denied");
    assert!(target.join("mycompany/zz.pdf").exists(), "all else has arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_root_is_found_before_anything_is_touched() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 1_000);
    let before = lab.world();
    lab.api.record.clear();
    let ran = lab.run(&["refresh", "--documents-root", "/var/www/elsewhere"]).await.assert_code(1);
    let ran = ran.assert_says("in production there is no directory /var/www/elsewhere/mycompany that can be read");
    ran.assert_says("--documents-root and --documents-tree").assert_says("nothing was changed");
    let writes = lab.api.record.writes();
    assert!(writes.iter().all(|line| line.contains("pods/exec")), "it only looked: {writes:?}");
    assert_eq!(lab.world(), before);
    // What is there in production may be new to the sandbox, whose Pod may be what the refresh is to mend.
    lab.redeploy(SANDBOX, |spec| spec["containers"][0]["image"] = APP_BARE.into()).await;
    lab.run(&["--dry-run", "refresh"]).await.assert_code(1).assert_says("in the sandbox the container lacks find, tar");
    lab.change("pods", SANDBOX, &only_pod(&lab), |pod| pod["status"]["conditions"] = json!([]));
    lab.run(&["--dry-run", "refresh"])
        .await
        .assert_code(0)
        .assert_says("in the sandbox the documents were not looked at");
    lab.run(&["--dry-run", "sync-documents"]).await.assert_code(1).assert_says("is Ready");
}

fn only_pod(lab: &Sandbox) -> String {
    let pods = lab.store.list("pods", Some(SANDBOX));
    pods[0]["metadata"]["name"].as_str().expect("a name").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_fail_after_the_commit_do_not_hide_what_the_database_has_become() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 3_000_000);
    let cut = ExecFault { command: sent(SEND_SCRIPT), ..ExecFault::once(PROD, Break::CutAfterSending(1_000_001)) };
    lab.kubelet.exec_faults().arm(cut);
    let ran = lab.run(&["refresh"]).await.assert_code(1).assert_says("sync-documents` sends the rest");
    assert!(ran.stdout.starts_with("database   ") && ran.stdout.contains("\ndowntime "), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("failed after its commit") && !ran.stdout.contains("is iso-prod now"),
        "{}",
        ran.stdout
    );
}
