//! A checkpoint takes the documents that have not changed from the newest one there is.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::damage::corrupt;
use super::world::{FEW_TABLES, warm};
use crate::support::api::{Fault, Gate, Rule, Seen};
use crate::support::sandbox::Sandbox;
use crate::support::scene::Scene;

/// sha256sum escapes it.
const ODD: &str = r"odd\name.pdf";
/// The sha256sum of busybox does not escape it.
const BROKEN: &str = "broken\nname.pdf";
const DAY: Duration = Duration::from_secs(86_400);

/// Written so many days ago.
fn write(file: &Path, content: &str, days: u32) {
    fs::write(file, content).expect("a file");
    let time = SystemTime::now() - DAY * days;
    File::options().write(true).open(file).and_then(|file| file.set_modified(time)).expect("a time");
}

/// A directory with documents of long ago, and two of today, saved once.
async fn saved() -> (Sandbox, PathBuf) {
    let lab = warm().await;
    let directory = lab.tree().join("old");
    fs::create_dir(&directory).expect("a directory");
    for name in ["kept.pdf", "changed.pdf", "removed.pdf", "read-only.pdf", ODD, BROKEN] {
        write(&directory.join(name), name, 30);
    }
    fs::set_permissions(directory.join("read-only.pdf"), Permissions::from_mode(0o440)).expect("a mode");
    for name in ["fresh.pdf", "other.pdf"] {
        write(&directory.join(name), "fresh", 0);
    }
    lab.quick(&["checkpoint"]).await.assert_code(0);
    (lab, directory)
}

fn document(lab: &Sandbox, checkpoint: &str, name: &str) -> PathBuf {
    lab.set(checkpoint).join("documents/mycompany/old").join(name)
}

/// Which file it is, by its inode.
fn inode(lab: &Sandbox, checkpoint: &str, name: &str) -> u64 {
    fs::symlink_metadata(document(lab, checkpoint, name)).expect("a document").ino()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_the_same_file_in_the_next_checkpoint_and_nothing_else_is() {
    let (lab, directory) = saved().await;
    const NAMES: [&str; 5] = ["kept.pdf", "read-only.pdf", "fresh.pdf", "changed.pdf", "other.pdf"];
    let before = NAMES.map(|name| inode(&lab, "golden", name));
    write(&directory.join("changed.pdf"), "another", 29);
    // Of the same size and time.
    let other = directory.join("other.pdf");
    let time = fs::metadata(&other).and_then(|found| found.modified()).expect("a time");
    fs::write(&other, "later").expect("a file");
    File::options().write(true).open(other).and_then(|file| file.set_modified(time)).expect("a time");
    fs::remove_file(directory.join("removed.pdf")).expect("it was there");
    let wanted = lab.rehearsed();
    lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    let after = NAMES.map(|name| inode(&lab, "second", name));
    assert_eq!(before[..3], after[..3], "they were linked");
    assert!(before[3] != after[3] && before[4] != after[4], "these were brought: {before:?} {after:?}");
    assert!(!document(&lab, "second", "removed.pdf").exists());
    for (name, was, is) in [("changed.pdf", "changed.pdf", "another"), ("other.pdf", "fresh", "later")] {
        let content = |checkpoint| fs::read_to_string(document(&lab, checkpoint, name)).expect("a document");
        assert_eq!((content("golden").as_str(), content("second").as_str()), (was, is));
    }

    // Each goes without the other, though its directories cannot be written to.
    let mode = |mode| Permissions::from_mode(mode);
    let locked = document(&lab, "golden", "kept.pdf").parent().expect("a directory").to_owned();
    fs::set_permissions(locked, mode(0o500)).expect("a mode");
    lab.quick(&["checkpoint", "delete", "golden"]).await.assert_code(0);
    lab.rehearse();
    fs::remove_dir_all(&directory).expect("it was there");
    lab.quick(&["reset", "second"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_document_is_not_taken_over_into_the_next_checkpoint() {
    let (lab, directory) = saved().await;
    for (name, shown) in [("kept.pdf", "kept.pdf"), (ODD, r"odd\\name.pdf")] {
        corrupt(&document(&lab, "golden", name));
        let ran = lab.quick(&["checkpoint"]).await.assert_code(0);
        ran.assert_says(&format!("the newest checkpoint is damaged: ./mycompany/old/{shown} is not what was saved"));
        assert_eq!(fs::read_to_string(document(&lab, "golden", name)).expect("a document"), name);
    }
    // One that was brought is none of them.
    write(&directory.join(ODD), "another", 29);
    let wanted = lab.rehearsed();
    let ran = lab.quick(&["checkpoint"]).await.assert_code(0);
    assert!(!ran.stderr.contains("damaged"), "{}", ran.stderr);
    fs::remove_dir_all(&directory).expect("it was there");
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_is_not_saved_any_more_is_not_taken_over() {
    let (lab, _) = saved().await;
    let other = lab.tree().parent().expect("the documents root").join("other");
    fs::create_dir(&other).expect("a directory");
    write(&other.join("page.pdf"), "page", 30);
    lab.quick(&["checkpoint", "--documents-tree", "other"]).await.assert_code(0);
    let documents = fs::read_dir(lab.set("golden").join("documents")).expect("the documents");
    let names: Vec<_> = documents.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["other"]);
}

/// They are listed while the dump's script is started, which makes room: a list that has become old by then is none.
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_come_while_room_is_made_are_in_the_checkpoint() {
    let (lab, directory) = saved().await;
    let gate = Gate::new();
    let dumps = |seen: &Seen| seen.path.ends_with("/exec") && seen.query.contains(".dump");
    lab.api.faults.add(Rule::on(dumps, Fault::Hang(gate.clone())));
    let midway = Scene::reach(&lab, &[&["checkpoint"], &FEW_TABLES[..]].concat(), "[1/").await;
    gate.reached().await;
    // No condition but the time itself.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    write(&directory.join("late.pdf"), "late", 0);
    gate.open();
    midway.end().await.assert_code(0);
    assert_eq!(fs::read_to_string(document(&lab, "golden", "late.pdf")).expect("a document"), "late");
}
