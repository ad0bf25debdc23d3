//! The workflows: YAML that is read, shell that is checked, no secret but the one they need, and a summary to look at.
mod played;

use crate::support::sandbox::Sandbox;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workflows() -> Vec<(PathBuf, String, Value)> {
    let files = std::fs::read_dir(root().join(".gitea/workflows")).expect("the workflows");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let yaml = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, text, yaml)
    };
    files.map(read).collect()
}

/// What each step runs, with its name.
fn scripts(workflow: &Value) -> Vec<(String, String)> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().expect("steps"));
    let run = |step: &Value| Some((step["name"].as_str().unwrap_or("-").to_owned(), step["run"].as_str()?.to_owned()));
    steps.filter_map(run).collect()
}

/// Feeds a program's standard input and gives what it wrote; it must end well.
fn fed(program: &mut Command, input: &str) -> String {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    let written = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program:?}: {written}");
    written
}

#[test]
fn each_script_of_a_workflow_is_good_shell_with_nothing_spliced_in() {
    let all = workflows();
    assert!(all.len() >= 3, "{all:?}");
    for (path, _, yaml) in all {
        assert_eq!(yaml["defaults"]["run"]["shell"], "bash", "{}", path.display());
        for (name, script) in scripts(&yaml) {
            let place = format!("{}: {name}", path.display());
            assert!(!script.contains("${{"), "{place}: values come by the environment");
            fed(Command::new("shellcheck").args(["-s", "bash", "-"]), &script);
        }
    }
}

#[test]
fn every_job_has_a_limit_and_the_refresh_one_secret_and_its_turn() {
    for (path, text, yaml) in workflows() {
        for (name, job) in yaml["jobs"].as_object().expect("jobs") {
            assert!(job["timeout-minutes"].is_number(), "{}: {name}", path.display());
        }
        if path.ends_with("refresh-sandbox.yaml") {
            assert_eq!(text.matches("${{ secrets.").count(), 1, "one secret");
            assert_eq!(yaml["concurrency"]["cancel-in-progress"], false);
            assert_eq!(yaml["permissions"]["contents"], "read");
            // Only the steps that need no kubeconfig run without one.
            for step in yaml["jobs"]["refresh"]["steps"].as_array().expect("steps") {
                let always = step["id"] == "kubeconfig" || step["if"] == "always()";
                assert!(always || step["if"] == "steps.kubeconfig.outputs.given == 'true'", "{step}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_a_run_is_a_table() {
    let lab = Sandbox::new().await;
    let report = || Command::new(root().join(".gitea/report"));
    let ran = lab.run(&["--output", "json", "refresh-from-prod"]).await.assert_code(0);
    let table = fed(&mut report(), &ran.stdout);
    let json = ran.json();
    let database = format!("| Database | {} tables, {} rows", json["database"]["tables"], json["database"]["rows"]);
    for words in ["## Sandbox: refresh-from-prod done\n", &database, "| Downtime | ", "| Dump production | "] {
        assert!(table.contains(words), "{words:?}: {table}");
    }
    let ran = lab.run(&["--output", "json", "refresh-from-prod", "--min-tables", "100000"]).await.assert_code(1);
    let table = fed(&mut report(), &ran.stdout);
    assert!(table.contains("| Failed | ") && table.contains("fewer than --min-tables 100000"), "{table}");
}
