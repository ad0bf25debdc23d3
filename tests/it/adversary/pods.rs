//! A production pod that somebody has taken over: what it lists and sends leads nowhere but into the sandbox's trees.
use super::*;
use crate::support::container::image::APP;
use sandbox_lifecycle::documents::archive::{Format, Member, end, header, padding};
use sandbox_lifecycle::documents::manifest::{Kind, Time};
use std::path::Path;

const TAKEN: &str = "registry.example/taken-over:1";

/// An archive of one file (or a link to where `link` says) with this path in it.
fn archive(path: &str, link: &str) -> Vec<u8> {
    let content = if link.is_empty() { &b"owned"[..] } else { b"" };
    let member = Member {
        path: path.as_bytes().to_vec(),
        kind: if link.is_empty() { Kind::File } else { Kind::Link },
        link: link.as_bytes().to_vec(),
        mode: 0o777,
        size: content.len() as u64,
        mtime: Time { seconds: 1_700_000_000, nanos: 0 },
    };
    let mut whole = header(&member, Format::Pax, (0, 0));
    whole.extend(content);
    whole.extend(vec![0; padding(member.size)]);
    whole.extend(end());
    whole
}

/// Production's pods are of an image whose programs are not what they say.
async fn take_over(lab: &Sandbox, programs: &[(&str, &str)], tar: Option<&Path>) {
    let images = &lab.kubelet.config().images;
    images.with(TAKEN, APP, programs);
    if let Some(file) = tar {
        images.with_file(TAKEN, "/usr/bin/stolen.tar", file);
    }
    lab.redeploy(PROD, |spec| spec["containers"][0]["image"] = TAKEN.into()).await;
}

/// All that lies in the sandbox's volume, by name.
fn everything(lab: &Sandbox) -> Vec<String> {
    let listed = std::process::Command::new("find").arg(lab.documents(SANDBOX)).output().expect("find runs");
    let mut names: Vec<String> = String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect();
    names.sort();
    names
}

async fn lab() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let tree = lab.documents(PROD).join("mycompany");
    fs::create_dir_all(&tree).expect("the lab's own");
    lab.run(&["sync-documents"]).await.assert_code(0);
    fs::write(tree.join("bill"), "an invoice").expect("a file");
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_leads_out_of_the_tree_is_not_written() {
    let lab = lab().await;
    let before = everything(&lab);
    for (path, link) in [
        ("./mycompany/../owned", ""),
        ("./mycompany/../../../../../owned", ""),
        ("/var/www/documents/owned", ""),
        ("../owned", ""),
        ("./mycompany/other", ""),
        ("./mycompany/bill", "/var/www/documents"),
    ] {
        let file = lab.dir.path().join("stolen.tar");
        fs::write(&file, archive(path, link)).expect("a file");
        let tar =
            "case $1 in --version) echo 'tar (GNU tar) 1.34'; exit ;; esac; cat >/dev/null; cat /usr/bin/stolen.tar";
        take_over(&lab, &[("tar", tar)], Some(&file)).await;
        let ran = lab.run(&["sync-documents"]).await;
        // What does not come although it is listed may also have been removed meanwhile: that is a warning.
        let warned = ran.code == 0 && ran.stderr.contains("warning: production changed");
        assert!(ran.code == 1 || warned, "{path}: {ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert_eq!(everything(&lab), before, "{path}: {}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_leads_out_of_the_tree_is_refused() {
    let lab = lab().await;
    let before = everything(&lab);
    for path in ["./mycompany/../owned", "../owned", "/var/www/documents/owned", "./owned"] {
        let find = format!(
            "/.image/usr/bin/find \"$@\"; case $* in *ignore_readdir*) printf 'f 644 5 1.0 1.0\\0%s\\0\\0' '{path}' ;; esac"
        );
        take_over(&lab, &[("find", &find)], None).await;
        let ran = lab.run(&["sync-documents"]).await.assert_code(1);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert_eq!(everything(&lab), before, "{path}: {}", ran.stderr);
    }
}
