//! What the rehearsal loop reports, as JSON for a script and as text for a person.

use super::world::warm;
use crate::support::postgres::SANDBOX as ACCESS;
use crate::support::sandbox::Sandbox;
use sandbox_lifecycle::report::size;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_reports_all_that_it_has_put_back() {
    let lab = warm().await;
    lab.rehearse();
    let told = lab.quick(&["--output", "json", "reset"]).await.assert_code(0).json();
    assert_eq!((&told["command"], &told["outcome"]), (&json!("reset"), &json!("done")), "{told:#}");
    let reset = &told["reset"];
    assert_eq!(reset["mode"], "differences", "{told:#}");
    let numbers = ["tables", "added", "changed", "removed", "sequences"].map(|name| reset[name].clone());
    // A const was removed, and one changed; a user and a link were added, the user with a number of its sequence.
    assert_eq!(numbers, [3, 1, 1, 2, 1].map(Value::from), "{told:#}");
    let database = &told["checkpoint"]["database"];
    let saved = ["tables", "rows", "sequences"].map(|name| database[name].clone());
    assert_eq!(reset["verified"], json!(saved), "{told:#}");
    // `.hidden` was changed and `-rf` removed; `new.pdf` was not there.
    let documents = &told["documents"];
    assert_eq!((&documents["files"], &documents["removed"]), (&json!(2), &json!(1)), "{told:#}");
    let sizes = [".hidden", "-rf"].map(|name| std::fs::metadata(lab.tree().join(name)).expect("it is back").len());
    assert_eq!(documents["bytes"], sizes.iter().sum::<u64>(), "{told:#}");
    assert!(documents["unchanged"].as_u64() > Some(0), "{told:#}");
    assert!(told["seconds"].as_f64() > Some(0.0), "{told:#}");
    let steps = told["steps"].as_array().expect("steps");
    let titles = steps.iter().map(|step| step["step"].as_str().expect("a title"));
    assert_eq!(
        titles.collect::<Vec<_>>(),
        [
            "Open the golden volume",
            "Verify the checkpoint",
            "Put the database back",
            "Put the documents back",
            "Close the golden volume"
        ]
    );
    assert!(steps.iter().all(|step| step["seconds"].as_f64() >= Some(0.0)), "{told:#}");
}

async fn shown(lab: &Sandbox, arguments: &[&str]) -> String {
    lab.quick(&[&["checkpoint"], arguments].concat()).await.assert_code(0).stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_and_one_shown_tell_a_person_what_a_checkpoint_is() {
    let lab = warm().await;
    let unknown = shown(&lab, &["list"]).await;
    assert!(unknown.contains(", production's data of an unknown time; "), "{unknown}");
    lab.quick(&["refresh-from-prod"]).await.assert_code(0);
    lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    let one = lab.quick(&["--output", "json", "checkpoint", "show", "second"]).await.assert_code(0).json();
    let one = &one["checkpoint"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let [taken, by, run, tool, read] = ["taken_at", "by", "run", "tool", "data_read_at"].map(|field| text(&one[field]));
    let [tables, rows, sequences] = ["tables", "rows", "sequences"].map(|field| text(&one["database"][field]));
    let files = text(&one["documents"]["files"]);
    let sizes = [&one["bytes"], &one["database"]["dump_bytes"], &one["documents"]["bytes"]];
    let [bytes, dump, documents] = sizes.map(|bytes| size(bytes.as_u64().expect("a size")));

    let list = shown(&lab, &["list"]).await;
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("golden: taken "), "{list}");
    assert_eq!(
        lines[1],
        format!(
            "second: taken {taken} by {by}, production's data of {read}; {tables} tables, {rows} rows, {files} documents, {bytes}"
        )
    );
    let wanted = format!(
        "checkpoint second, {bytes} on the volume
taken      {taken} by {by} (run {run}, version {tool})
data       production's as of {read}
database   erp-sandbox: {tables} tables, {rows} rows, {sequences} sequences; dump {dump}
documents  mycompany: {files} files, {documents}
"
    );
    let show = shown(&lab, &["show", "second"]).await;
    assert!(show.starts_with(&wanted), "{show}\n{wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_that_no_checkpoint_has_are_warned_of_in_the_report_too() {
    let lab = warm().await;
    let none = lab.quick(&["--output", "json", "checkpoint"]).await.assert_code(0).json();
    assert_eq!(none["warnings"], Value::Null, "{none:#}");
    lab.change_database("SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO erp_sandbox_role");
    let wanted = lab.rehearsed();
    let ran = lab.quick(&["--output", "json", "checkpoint"]).await.assert_code(0);
    let warning =
        "the sandbox has 1 large object: no checkpoint has them, and a reset that wipes and restores removes them";
    assert_eq!(ran.json()["warnings"], json!([warning]), "{ran:?}");
    assert_eq!(ran.stderr.matches(warning).count(), 1, "{ran:?}");
    // It is as the warning says.
    let objects = || lab.postgres.sql(ACCESS.database, "SELECT count(*) FROM pg_largeobject_metadata");
    for (change, left) in [("DELETE FROM llx_const", "1"), ("ALTER TABLE llx_const ADD COLUMN more text", "0")] {
        lab.change_database(change);
        lab.quick(&["reset"]).await.assert_code(0);
        assert_eq!(objects().trim(), left, "{change}");
        assert_eq!(lab.rehearsed(), wanted, "{change}");
    }
}
