//! sync-documents on the lab: through real execs into real file systems.
mod adversity;
mod pods;

use crate::support::exec::faults::{Break, ExecFault};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use sandbox_lifecycle::documents::{LISTER_SCRIPT, SEND_SCRIPT, sent};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Everything below a directory as find tells it, contents included.
pub(crate) fn tree(root: &Path) -> String {
    let script = "cd \"$1\" && find . \\( -type d -printf '%y %m - %T@ %p\\n' -o -printf '%y %m %s %T@ %p -> %l\\n' \\) | sort && find . -type f -print0 | sort -z | xargs -0 -r sha256sum";
    let output = Command::new("bash").args(["-c", script, "bash"]).arg(root).output().expect("find runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Files with every kind of name, and `bulk` bytes more.
pub(crate) fn populate(root: &Path, bulk: usize) {
    let tree = root.join("mycompany");
    for directory in ["facture/2026", "empty", "with space/and\nnewline"] {
        fs::create_dir_all(tree.join(directory)).expect("a directory");
    }
    for name in ["-rf", "é à.pdf", "a\nb", "quote'\"$(x)", ".hidden"] {
        fs::write(tree.join(name), name).expect("a file");
    }
    fs::write(tree.join("facture/2026/big.bin"), vec![7; bulk]).expect("a file");
    fs::set_permissions(tree.join("-rf"), fs::Permissions::from_mode(0o600)).expect("a mode");
    symlink("/etc/passwd", tree.join("outside")).expect("a link");
    symlink("facture/2026", tree.join("year")).expect("a link");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    for name in [".hidden", "empty", "facture"] {
        fs::File::open(tree.join(name)).and_then(|file| file.set_modified(long_ago)).expect("a time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trees_become_equal_and_what_lies_outside_is_left_alone() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD), lab.documents(SANDBOX));
    populate(&source, 3_000_000);
    fs::create_dir_all(target.join("mycompany/stale")).expect("a directory");
    fs::write(target.join("mycompany/stale/old.pdf"), "old").expect("a file");
    fs::write(target.join("install.lock"), "").expect("a file");
    let before = tree(&source);
    lab.run(&["sync-documents"]).await.assert_code(0);
    assert_eq!(tree(&target.join("mycompany")), tree(&source.join("mycompany")));
    assert_eq!(tree(&source), before, "production is only read");
    assert!(target.join("install.lock").exists());
    let again = lab.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
    assert_eq!((&again["documents"]["files"], &again["documents"]["bytes"]), (&0.into(), &0.into()), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_whichever_protocol_it_speaks() {
    for (spdy, websocket) in [(true, "v4.channel.k8s.io"), (false, "v4.channel.k8s.io"), (false, "v5.channel.k8s.io")] {
        let lab = Sandbox::new().await;
        lab.kubelet.set(|config| (config.exec_spdy, config.exec_protocols) = (spdy, vec![websocket]));
        populate(&lab.documents(PROD), 9_000_000);
        lab.run(&["sync-documents"]).await.assert_code(0);
        assert_eq!(tree(&lab.documents(SANDBOX).join("mycompany")), tree(&lab.documents(PROD).join("mycompany")));
        // What is listed is small; what is sent and received is not.
        let asked =
            lab.api.record.all().into_iter().filter(|seen| seen.path.ends_with("/exec") && seen.method == "POST");
        let taken = asked.map(|seen| seen.code == Some(101)).collect::<Vec<_>>();
        assert_eq!(taken, [spdy; 2], "SPDY is asked for where much goes through");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_the_middle_is_no_success_and_the_next_run_sends_the_rest() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD), lab.documents(SANDBOX));
    populate(&source, 8_000_000);
    let cuts = [
        (PROD, SEND_SCRIPT, Break::CutAfterSending(2_500_001)),
        (SANDBOX, LISTER_SCRIPT, Break::CutAfterReceiving(2_500_001)),
    ];
    for ((pod, script, how), spdy) in cuts.into_iter().flat_map(|cut| [(cut, true), (cut, false)]) {
        lab.kubelet.set(|config| config.exec_spdy = spdy);
        fs::remove_dir_all(target.join("mycompany")).ok();
        lab.kubelet.exec_faults().arm(ExecFault { command: sent(script), ..ExecFault::once(pod, how) });
        lab.run(&["sync-documents"]).await.assert_code(1).assert_says("run it again");
        lab.kubelet.exec_faults().disarm();
        lab.run(&["sync-documents"]).await.assert_code(0);
        assert_eq!(tree(&target.join("mycompany")), tree(&source.join("mycompany")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_production_lacks_removes_nothing() {
    let lab = Sandbox::new().await;
    let target = lab.documents(SANDBOX);
    fs::create_dir_all(target.join("mycompany")).expect("a directory");
    fs::write(target.join("mycompany/kept"), "kept").expect("a file");
    lab.run(&["sync-documents"]).await.assert_code(1).assert_says("mycompany");
    assert!(target.join("mycompany/kept").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_does_both() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 1_000);
    let before = lab.world();
    let report = lab.run(&["--output", "json", "refresh"]).await.assert_code(0).json();
    assert_eq!(lab.world().sandbox, before.production);
    assert_eq!(tree(&lab.documents(SANDBOX).join("mycompany")), tree(&lab.documents(PROD).join("mycompany")));
    assert!(report["database"].is_object() && report["documents"]["files"].as_u64() > Some(4), "{report}");
}
