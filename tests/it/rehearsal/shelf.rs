//! The checkpoints there are, and the Pod that is kept.

use crate::support::sandbox::{SANDBOX, Sandbox};
use serde_json::Value;

fn jobs_made(lab: &Sandbox) -> usize {
    lab.api.record.writes().iter().filter(|line| *line == "create jobs").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_pod_serves_all_that_follows_and_is_removed_on_request() {
    let lab = Sandbox::new().await;
    lab.furnish_documents();
    let before = lab.rehearsed();
    let plan = lab.run(&["--dry-run", "checkpoint", "--warm"]).await.assert_code(0).stdout;
    assert!(plan.matches("create PersistentVolumeClaim").count() == 1 && !plan.contains("delete Job"), "{plan}");
    lab.run(&["checkpoint", "--warm"]).await.assert_code(0).assert_says("golden");
    lab.run(&["checkpoint", "second"]).await.assert_code(0);
    let list = lab.run(&["--output", "json", "checkpoint", "list"]).await.assert_code(0).json();
    let names = list["checkpoints"].as_array().expect("a list").iter().map(|one| one["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["golden", "second"], "{list}");
    let show = lab.run(&["--output", "json", "checkpoint", "show", "second"]).await.assert_code(0).json();
    let one = &show["checkpoint"];
    assert!(one["by"].as_str().is_some_and(|by| by.starts_with("tester@")), "{show}");
    for number in [&one["database"]["rows"], &one["database"]["dump_bytes"], &one["documents"]["files"], &one["bytes"]]
    {
        assert!(number.as_u64() > Some(0), "{show}");
    }
    lab.rehearse();
    lab.run(&["reset"]).await.assert_code(0).assert_says("3 tables put back");
    assert_eq!(lab.rehearsed(), before);
    assert_eq!(jobs_made(&lab), 0, "the warm Pod did all of it");

    lab.run(&["checkpoint", "delete", "second"]).await.assert_code(0);
    lab.run(&["checkpoint", "delete", "second"]).await.assert_code(1).assert_says("there are: golden");
    lab.run(&["checkpoint", "show", "second"]).await.assert_code(1).assert_says("there are: golden");
    assert_eq!(lab.sets().len(), 1);
    lab.run(&["checkpoint", "cool"]).await.assert_code(0).assert_says("removed    the idle Pod;");
    lab.run(&["checkpoint", "cool"]).await.assert_code(0).assert_says("removed    nothing: there was no idle Pod");
    assert!(lab.store.get("deployments", SANDBOX, "sandbox-lifecycle-golden").is_none());
    let list = lab.run(&["checkpoint", "list"]).await.assert_code(0).assert_says("golden: taken");
    assert_eq!(jobs_made(&lab), 1);
    assert!(!list.stderr.contains("[1/") && !list.stderr.contains("done in"), "{}", list.stderr);
    lab.run(&["-v", "checkpoint", "list"]).await.assert_code(0).assert_says("[1/3]");
    lab.run(&["reset", "third"]).await.assert_code(1).assert_says("there are: golden; nothing was changed");
    lab.run(&["diff", "third"]).await.assert_code(1).assert_says("there are: golden; nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_tells_rows_and_files_and_changes_nothing() {
    let lab = Sandbox::new().await;
    lab.furnish_documents();
    lab.run(&["checkpoint", "--warm"]).await.assert_code(0);
    lab.run(&["diff"]).await.assert_code(0).assert_says("nothing has changed");
    lab.rehearse();
    let changed = lab.rehearsed();
    let diff = lab.run(&["--output", "json", "diff", "--rows"]).await.assert_code(0).json();
    assert_eq!(lab.rehearsed(), changed);
    let found = &diff["difference"];
    let table = |name: &str| {
        let tables = found["tables"].as_array().expect("tables");
        tables.iter().find(|table| table["name"] == name).cloned().unwrap_or(Value::Null)
    };
    let consts = table("llx_const");
    assert_eq!([&consts["added"], &consts["changed"], &consts["removed"]], [&0, &1, &1], "{diff}");
    let rows = consts["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["change"] == "changed").expect("the changed row");
    assert_eq!(row["new"]["value"], "rehearsed", "{row}");
    assert_ne!(row["old"]["value"], "rehearsed", "{row}");
    assert_eq!(table("llx_user")["added"], 1, "{diff}");
    let files = &found["files"];
    assert_eq!(files["added"], serde_json::json!(["mycompany/new.pdf"]), "{diff}");
    assert_eq!(files["changed"], serde_json::json!(["mycompany/.hidden"]), "{diff}");
    assert_eq!(files["removed"], serde_json::json!(["mycompany/-rf"]), "{diff}");
    lab.run(&["diff"]).await.assert_code(0).assert_says("llx_const: 0 added, 1 changed, 1 removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_volume_there_is_no_checkpoint_and_none_is_made_by_looking() {
    let lab = Sandbox::new().await;
    let listed = lab.run(&["checkpoint", "list"]).await.assert_code(0).assert_says("there is no checkpoint");
    assert!(!listed.stdout.ends_with("\n\n"), "{:?}", listed.stdout);
    lab.furnish_documents();
    for arguments in [&["reset"][..], &["diff"]] {
        lab.run(arguments).await.assert_code(1).assert_says("take one with");
    }
    lab.run(&["checkpoint", "delete", "golden"]).await.assert_code(1).assert_says("there is no checkpoint golden");
    assert!(lab.store.list("persistentvolumeclaims", Some(SANDBOX)).is_empty());
    for arguments in
        [&["reset", "list"][..], &["checkpoint", "-x"], &["checkpoint", "UPPER"], &["checkpoint", "mine", "list"]]
    {
        lab.run(arguments).await.assert_code(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_leaves_a_checkpoint_of_production_s_data() {
    let lab = Sandbox::new().await;
    lab.furnish_documents();
    lab.run(&["refresh-from-prod", "--checkpoint", "fresh"]).await.assert_code(0);
    let refreshed = lab.rehearsed();
    let show = lab.run(&["--output", "json", "checkpoint", "show", "fresh"]).await.assert_code(0).json();
    assert!(show["checkpoint"]["data_read_at"].is_string(), "{show}");
    lab.rehearse();
    lab.run(&["reset", "fresh"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), refreshed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_roles_are_enough_for_the_whole_loop() {
    use crate::support::readme;
    use crate::support::scene::Scene;
    let lab = Sandbox::new().await;
    lab.furnish_documents();
    lab.allow(&readme::rules());
    for arguments in [
        &["checkpoint"][..],
        &["checkpoint", "--warm"],
        &["reset"],
        &["reset", "--offline"],
        &["diff"],
        &["checkpoint", "cool"],
    ] {
        Sandbox::run(&lab, arguments).await.assert_code(0);
    }
}
