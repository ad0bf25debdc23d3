//! Pods as they are in life: busybox or nothing in them, a container beside the application's, more than one tree, many files.

use super::{populate, tree};
use crate::support::container::image::{APP, APP_BARE, APP_BUSYBOX};
use crate::support::memory::{MOST, peak};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, finish};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

fn image(name: &str) -> impl Fn(&mut Value) {
    move |spec| spec["containers"][0]["image"] = name.into()
}

/// Gives what is of these types the time of a whole second.
fn touch(tree: &Path, types: &str) {
    let types = types.chars().map(String::from).collect::<Vec<_>>().join(",");
    let mut find = Command::new("find");
    find.arg(tree).args(["-type", &types, "-exec", "touch", "-h", "-d", "@1000000000", "{}", "+"]);
    assert!(find.status().expect("find runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn busybox_on_either_side_gives_the_same_trees() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD).join("mycompany"), lab.documents(SANDBOX).join("mycompany"));
    populate(&lab.documents(PROD), 1_000_000);
    // busybox knows whole seconds, and gives a link the time of its making.
    touch(&source, "fdl");
    for (from, into) in [(APP, APP_BUSYBOX), (APP_BUSYBOX, APP_BUSYBOX), (APP_BUSYBOX, APP)] {
        fs::remove_dir_all(&target).ok();
        lab.redeploy(PROD, image(from)).await;
        lab.redeploy(SANDBOX, image(into)).await;
        lab.run(&["sync-documents"]).await.assert_code(0);
        touch(&target, "l");
        assert_eq!(tree(&target), tree(&source), "from {from} to {into}");
        let again = lab.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
        assert_eq!(again["documents"]["files"], 0, "from {from} to {into}: {again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_find_and_tar_is_named() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 1_000);
    lab.redeploy(SANDBOX, image(APP_BARE)).await;
    let ran = lab.run(&["sync-documents"]).await.assert_code(1);
    ran.assert_says("in the sandbox the container lacks find, tar").assert_says("nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_container_can_be_chosen() {
    let lab = Sandbox::new().await;
    populate(&lab.documents(PROD), 1_000);
    for namespace in [PROD, SANDBOX] {
        lab.redeploy(namespace, |spec| {
            let proxy = json!({"name": "proxy", "image": APP});
            spec["containers"].as_array_mut().expect("containers").insert(0, proxy);
        })
        .await;
    }
    lab.run(&["sync-documents"]).await.assert_code(1).assert_says("/var/www/documents");
    lab.run(&["--container", "nginx", "sync-documents"]).await.assert_code(1).assert_says("nginx");
    lab.run(&["--container", "app", "sync-documents"]).await.assert_code(0);
    assert_eq!(tree(&lab.documents(SANDBOX).join("mycompany")), tree(&lab.documents(PROD).join("mycompany")));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tree_that_is_named_is_copied_and_no_other() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD), lab.documents(SANDBOX));
    for name in ["mycompany/a", "ecm/deep/b", "secret/c"] {
        let path = source.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, name).expect("a file");
    }
    let arguments = ["--documents-tree", "mycompany", "--documents-tree", "ecm/deep", "sync-documents"];
    lab.run(&arguments).await.assert_code(0);
    assert_eq!(fs::read(target.join("ecm/deep/b")).expect("copied"), b"ecm/deep/b");
    assert!(target.join("mycompany/a").exists() && !target.join("secret").exists());
}

/// The content, four times as much as may be resident, is a hole that takes no disk.
#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_below_64_mib_whatever_the_size() {
    let lab = Sandbox::new().await;
    let tree = lab.documents(PROD).join("mycompany");
    fs::create_dir_all(&tree).expect("a directory");
    let file = fs::File::create(tree.join("video")).expect("a file");
    file.set_len(256 << 20).expect("a size");
    for number in 0..2_000 {
        fs::write(tree.join(format!("a document with a name of some length, number {number}")), "x").expect("a file");
    }
    let child = lab.command(&["sync-documents"]).spawn().expect("the binary starts");
    let (highest, ran) = peak(child.id().expect("it runs"), finish(child)).await;
    ran.assert_code(0);
    assert!((1.0..MOST).contains(&highest), "{highest} MiB");
}
