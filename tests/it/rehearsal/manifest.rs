//! A checkpoint whose manifest is not there does not exist; one whose manifest or content is not what was saved is refused.

use std::fs;

use super::damage::corrupt;
use super::world::warm;
use crate::support::sandbox::Sandbox;
use serde_json::{Value, json};

/// Each of these ends with 1 and these words, and touches nothing.
async fn refused(lab: &Sandbox, commands: &[&[&str]], words: &[&str]) {
    let changed = lab.rehearsed();
    for arguments in commands {
        let ran = lab.quick(arguments).await.assert_code(1);
        for words in words {
            assert!(ran.stderr.contains(words), "{arguments:?} does not say {words:?}: {ran:?}");
        }
        assert_eq!(lab.rehearsed(), changed, "{arguments:?}");
    }
}

/// The names of the checkpoints that a list has, and its warnings.
async fn listed(lab: &Sandbox) -> (Vec<Value>, Value) {
    let list = lab.quick(&["--output", "json", "checkpoint", "list"]).await.assert_code(0).json();
    let names = list["checkpoints"].as_array().expect("a list").iter().map(|one| one["name"].clone());
    (names.collect(), list["warnings"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_without_its_manifest_does_not_exist() {
    let lab = warm().await;
    lab.rehearse();
    fs::remove_file(lab.set("golden").join("manifest.json")).expect("it was there");
    assert_eq!(listed(&lab).await, (Vec::new(), Value::Null));
    let commands: [&[&str]; 5] =
        [&["checkpoint", "show", "golden"], &["reset"], &["reset", "--offline"], &["diff"], &["diff", "--rows"]];
    refused(&lab, &commands, &["there is no checkpoint golden, and no other", "nothing was changed"]).await;

    // Nor beside another one, and the next one takes its place.
    lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    assert_eq!(listed(&lab).await, (vec![json!("second")], Value::Null));
    refused(&lab, &commands, &["there is no checkpoint golden; there are: second", "nothing was changed"]).await;
    lab.quick(&["checkpoint"]).await.assert_code(0);
    assert_eq!(lab.sets().len(), 2, "{:?}", lab.sets());
    let wanted = lab.rehearsed();
    lab.change_database("DELETE FROM llx_const");
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_manifest_is_told_of_by_every_look_and_refused_by_what_uses_it() {
    let lab = warm().await;
    lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    lab.rehearse();
    let manifest = lab.set("golden").join("manifest.json");
    let whole = fs::read(&manifest).expect("the manifest");
    corrupt(&manifest);
    let damaged = "checkpoint golden cannot be used: its manifest is damaged";
    assert_eq!(listed(&lab).await, (vec![json!("second")], json!([damaged])));
    let list = lab.quick(&["checkpoint", "list"]).await.assert_code(0).assert_says(damaged);
    assert!(list.stdout.starts_with("second: taken "), "{list:?}");
    refused(&lab, &[&["checkpoint", "show", "golden"]], &[damaged]).await;
    let uses: [&[&str]; 3] = [&["reset"], &["reset", "--offline"], &["diff"]];
    refused(&lab, &uses, &["checkpoint golden is damaged: its manifest is damaged; nothing was touched"]).await;

    // One that is cut, and another one's.
    fs::write(&manifest, &whole[..whole.len() / 2]).expect("written");
    refused(&lab, &uses, &["checkpoint golden is damaged: its manifest is damaged; nothing was touched"]).await;
    fs::copy(lab.set("second").join("manifest.json"), &manifest).expect("copied");
    refused(&lab, &uses, &["checkpoint golden is damaged: its manifest is that of second"]).await;
    fs::write(&manifest, whole).expect("written");
    lab.quick(&["diff"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_damaged_checkpoints_alone_does_not_say_that_there_are_none() {
    let lab = warm().await;
    corrupt(&lab.set("golden").join("manifest.json"));
    let damaged = "checkpoint golden cannot be used: its manifest is damaged";
    assert_eq!(listed(&lab).await, (Vec::new(), json!([damaged])));
    let list = lab.quick(&["checkpoint", "list"]).await.assert_code(0).assert_says(damaged);
    assert!(list.stdout.starts_with("no checkpoint can be used: take one with `"), "{list:?}");
    assert!(!list.stdout.contains("there is no checkpoint"), "{list:?}");
    lab.quick(&["checkpoint", "delete", "golden"]).await.assert_code(0);
    let list = lab.quick(&["checkpoint", "list"]).await.assert_code(0);
    assert!(list.stdout.starts_with("there is no checkpoint: take one with `"), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_refuses_a_checkpoint_of_which_a_byte_was_changed() {
    let lab = warm().await;
    lab.rehearse();
    for name in ["database/source.dump", "database/source.manifest", "documents.sha256"] {
        let file = lab.set("golden").join(name);
        corrupt(&file);
        let words = format!("checkpoint golden is damaged: {name} is not what was saved; nothing was touched");
        refused(&lab, &[&["diff"], &["diff", "--rows"]], &[&words]).await;
        // The same byte once more.
        corrupt(&file);
    }
    lab.quick(&["diff"]).await.assert_code(0).assert_says("llx_const: 0 added, 1 changed, 1 removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_trees_than_the_checkpoint_s_are_refused() {
    let lab = warm().await;
    let other = lab.tree().with_file_name("other");
    fs::create_dir(&other).expect("a directory");
    fs::write(other.join("page.pdf"), "page").expect("a file");
    let both = ["--documents-tree", "mycompany", "--documents-tree", "other"];
    lab.quick(&[&["checkpoint", "both"], &both[..]].concat()).await.assert_code(0);
    lab.rehearse();
    for (checkpoint, has, trees, says) in [
        ("golden", "mycompany", &both[2..], "other"),
        ("golden", "mycompany", &both, "mycompany, other"),
        ("golden", "mycompany", &["--documents-tree", "absent"], "absent"),
        ("both", "mycompany, other", &[], "mycompany"),
    ] {
        let words = format!("checkpoint {checkpoint} has the documents trees {has}, and --documents-tree says {says}");
        for command in [&["reset"][..], &["reset", "--offline"], &["diff"]] {
            refused(&lab, &[&[command, &[checkpoint], trees].concat()], &[&words]).await;
        }
    }
    assert_eq!(fs::read_to_string(other.join("page.pdf")).expect("a document"), "page");
}
