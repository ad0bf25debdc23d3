//! A sandbox whose programs tell times in whole seconds: what is written to once more within its second looks as it did.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::support::container::image::{APP, APP_BUSYBOX};
use crate::support::postgres::Production;
use crate::support::sandbox::{SANDBOX, Sandbox};
use serde_json::{Value, json};

/// GNU's sha256sum escapes it, and that of busybox does not.
const NAMES: [&str; 3] = ["same.pdf", r"odd\name.pdf", "kept.pdf"];

/// Of this image with these programs instead of its own, with documents of this moment, and a checkpoint that has them.
async fn saved(image: &str, programs: &[(&str, &str)]) -> (Sandbox, SystemTime) {
    const IMAGE: &str = "docker.io/library/sandbox-app:1-seconds";
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.kubelet.config().images.with(IMAGE, image, programs);
    lab.redeploy(SANDBOX, |spec| spec["containers"][0]["image"] = IMAGE.into()).await;
    fs::create_dir_all(lab.tree()).expect("a directory");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs();
    let second = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
    NAMES.iter().for_each(|name| write(&lab.tree().join(name), "first", second));
    write(&lab.tree().join("long ago.pdf"), "first", SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    (lab, second)
}

fn write(file: &PathBuf, content: &str, time: SystemTime) {
    fs::write(file, content).expect("a file");
    File::options().write(true).open(file).and_then(|file| file.set_modified(time)).expect("a time");
}

/// All but the last are written to within the second of before.
fn rewrite(lab: &Sandbox, second: SystemTime) {
    let later = second + Duration::from_millis(500);
    NAMES[..2].iter().for_each(|name| write(&lab.tree().join(name), "other", later));
}

fn assert_first(lab: &Sandbox) {
    for name in NAMES {
        assert_eq!(fs::read_to_string(lab.tree().join(name)).expect("a document"), "first", "{name}");
    }
}

async fn told(lab: &Sandbox, arguments: &[&str]) -> Value {
    lab.quick(&[&["--output", "json"], arguments].concat()).await.assert_code(0).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rewritten_within_its_second_is_told_and_put_back() {
    let (lab, second) = saved(APP_BUSYBOX, &[]).await;
    for reset in [&["reset"][..], &["reset", "--offline"]] {
        rewrite(&lab, second);
        let found = told(&lab, &["diff"]).await;
        let changed = json!([r"mycompany/odd\name.pdf", "mycompany/same.pdf"]);
        assert_eq!(found["difference"]["files"], json!({"added": [], "changed": changed, "removed": []}), "{found:#}");
        let told = told(&lab, reset).await;
        assert_eq!((&told["documents"]["files"], &found["warnings"]), (&json!(2), &Value::Null), "{told:#}");
        assert_first(&lab);
    }
    let none = told(&lab, &["diff"]).await;
    assert_eq!(none["difference"]["files"], json!({"added": [], "changed": [], "removed": []}), "{none:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sums_a_reset_sends_what_is_young_and_a_diff_says_that_it_cannot_tell() {
    // The xargs of some builds of busybox calls a sha256sum of its own, so only tar is of busybox here.
    let programs = [("tar", r#"exec /usr/bin/busybox tar "$@""#), ("sha256sum", "exit 127")];
    let (lab, second) = saved(APP, &programs).await;
    rewrite(&lab, second);
    let ran = lab.quick(&["diff"]).await.assert_code(0);
    ran.assert_says("whether 3 documents changed within the second in which").assert_says("cannot be told");
    let told = told(&lab, &["reset"]).await;
    assert_eq!(told["documents"]["files"], 3, "the one of long ago is not young: {told:#}");
    assert_first(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_times_have_fractions_no_sum_is_asked_for() {
    let (lab, second) = saved(APP, &[("sha256sum", ": >/var/www/documents/asked")]).await;
    rewrite(&lab, second);
    let found = told(&lab, &["diff"]).await;
    assert_eq!(found["difference"]["files"]["changed"].as_array().map(Vec::len), Some(2), "{found:#}");
    lab.quick(&["reset"]).await.assert_code(0);
    assert_first(&lab);
    let asked = lab.documents(SANDBOX).join("asked");
    assert!(!asked.exists());
    // The trace is one: a checkpoint asks.
    lab.quick(&["checkpoint"]).await.assert_code(0);
    assert!(asked.exists());
}
