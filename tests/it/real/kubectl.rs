//! kubectl as the operator's hand: another client than the tool's own.

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// kubectl with one kubeconfig.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned() }
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    pub(crate) fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        answer(&self.command(arguments).output().expect("kubectl is installed"))
    }

    /// The same with this on its stdin.
    pub(crate) fn feed(&self, arguments: &[&str], text: &str) -> String {
        let fed = feed(self.command(arguments), text.as_bytes());
        fed.unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Creates or replaces them, by that verb.
    pub(crate) fn put(&self, verb: &str, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.feed(&[verb, "-f", "-"], &list.to_string());
    }

    /// An object, or with a kind alone the list of them.
    pub(crate) fn get(&self, namespace: &str, what: &[&str]) -> Value {
        let text = self.run(&[&["-n", namespace, "get", "-o", "json"], what].concat());
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    pub(crate) fn patch(&self, namespace: &str, object: &[&str], patch: &Value) {
        let patch = patch.to_string();
        self.run(&[&["-n", namespace, "patch"], object, &["--type", "merge", "-p", &patch]].concat());
    }
}

/// Runs a command with this on its stdin, and gives what it prints.
pub(crate) fn feed(mut command: Command, bytes: &[u8]) -> Result<String, String> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        // Beside the reading: a command that answers before it has read all would wait for its reader for ever.
        scope.spawn(move || {
            // One that stops early says why by its status.
            let _ = stdin.write_all(bytes);
        });
        child.wait_with_output().expect("the command ends")
    });
    answer(&output)
}

fn answer(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{}: {}", output.status, text(&output.stderr))),
    }
}
