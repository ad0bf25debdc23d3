//! What the program says of itself: help, manual, completions, settings, and its name as kubectl's plugin.

use crate::backup::vault::Vault;
use crate::support::postgres::Production;
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};
use clap::CommandFactory;
use sandbox_lifecycle::cli::{Cli, settings};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_sandbox-lifecycle");

fn at(directory: &Path, program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env_clear().env("KUBECONFIG", directory.join("none"));
    command.output().expect("the binary starts")
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    at(directory, Path::new(BINARY), arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// `path` and the commands below it, as they are typed.
fn commands(command: &clap::Command, path: &[String]) -> Vec<Vec<String>> {
    let mut found = vec![path.to_vec()];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        found.extend(commands(sub, &[path, &[sub.get_name().to_owned()]].concat()));
    }
    found
}

#[test]
fn the_help_of_every_command_has_examples_and_the_exit_codes() {
    let here = directory();
    let all = commands(&Cli::command(), &[]);
    assert!(all.len() > 6, "{all:?}");
    for path in all {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = text(&run(here.path(), &arguments).stdout);
        let typed = format!("sandbox-lifecycle {}", path.join(" "));
        let example = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("no examples: {path:?}\n{help}"));
        let words = path.first().map_or("", String::as_str);
        assert!(example.lines().any(|line| line.trim().starts_with("sandbox-lifecycle ") && line.contains(words)));
        assert!(help.contains("Exit codes:"), "{typed}: {help}");
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{typed}");
    }
}

#[test]
fn short_help_is_one_screen_and_no_argument_is_without_words() {
    let here = directory();
    let mut silent = Vec::new();
    for path in commands(&Cli::command(), &[]) {
        let mut command = Command::new(BINARY);
        command.args(&path).arg("-h").current_dir(here.path()).env_clear().env("COLUMNS", "80");
        let help = text(&command.output().expect("the binary starts").stdout);
        let lines = help.lines().count();
        assert!(lines <= 40 && help.contains("--help"), "{path:?}: {lines} lines\n{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{path:?}: {help}");
        let of = |command: &clap::Command, name: &String| command.find_subcommand(name).expect("it is there").clone();
        let command = path.iter().fold(Cli::command(), |command, name| of(&command, name));
        let mute = |argument: &&clap::Arg| argument.get_help().is_none() && !argument.is_hide_set();
        silent.extend(command.get_arguments().filter(mute).map(|argument| format!("{path:?} {}", argument.get_id())));
    }
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn exit_code_1_is_told_as_what_the_command_means_by_it() {
    let here = directory();
    for (command, means) in
        [("doctor", "a check failed"), ("status", "older than --max-age"), ("reset", "failed, and every")]
    {
        let help = text(&run(here.path(), &[command, "--help"]).stdout);
        assert!(help.contains(means), "{help}");
        assert_eq!(help.contains("everything was put back"), command == "reset", "{help}");
    }
}

#[test]
fn as_a_plugin_it_goes_by_the_name_that_kubectl_gives_it() {
    let here = directory();
    let plugin = here.path().join("kubectl-sandbox");
    std::os::unix::fs::symlink(BINARY, &plugin).expect("a link");
    let help = text(&at(here.path(), &plugin, &["--help"]).stdout);
    assert!(help.contains("Usage: kubectl sandbox ") && help.contains("  kubectl sandbox refresh "), "{help}");
    assert!(!help.contains("sandbox-lifecycle refresh"), "{help}");
    let wrong = at(here.path(), &plugin, &["refresh", "--nonsense"]);
    assert!(text(&wrong.stderr).contains("Usage: kubectl sandbox refresh"), "{}", text(&wrong.stderr));
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn config_says_where_each_setting_comes_from() {
    let here = directory();
    let file = here.path().join("sandbox-lifecycle.toml");
    std::fs::write(&file, "prod-database = 'by-file'\npg-port = 7\nsandbox-role = 'by-file'\n").expect("a file");
    let mut command = Command::new(BINARY);
    command.args(["--output", "json", "config", "--sandbox-role", "by-flag"]).current_dir(here.path()).env_clear();
    let output = command.env("SANDBOX_LIFECYCLE_PG_PORT", "8").output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let listed = json["settings"].as_array().expect("a list");
    assert_eq!(listed.len(), settings().len());
    for (name, value, from) in [
        ("prod-database", Value::from("by-file"), "file"),
        ("pg-port", Value::from(8), "environment"),
        ("sandbox-role", Value::from("by-flag"), "flag"),
        ("prod-namespace", Value::from("erp"), "default"),
        ("skip-function", Value::from(vec!["user_lookup"]), "default"),
        ("pg-host", Value::Null, "default"),
    ] {
        let setting = listed.iter().find(|setting| setting["name"] == name).expect("every setting");
        assert_eq!((&setting["value"], &setting["from"]), (&value, &Value::from(from)), "{name}");
    }
    let plain = text(&run(here.path(), &["config", "--sandbox-role", "by-flag"]).stdout);
    let line = plain.lines().find(|line| line.starts_with("sandbox-role ")).expect("its line");
    assert!(line.contains(" by-flag ") && line.ends_with("--sandbox-role"), "{line}");
}

#[test]
fn config_shows_what_is_wrong_and_ends_with_2() {
    let here = directory();
    let output = run(here.path(), &["config", "--prod-namespace", "Not A Name"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("Not A Name") && text(&output.stderr).contains("prod-namespace"));
}

#[test]
fn config_init_writes_a_file_that_is_read_and_never_writes_over_one() {
    let here = directory();
    let file = here.path().join("sandbox-lifecycle.toml");
    for arguments in [&["config", "init", "--dry-run"], &["man", "pages", "--dry-run"]] {
        let output = run(here.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("has no --dry-run; nothing was written"), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_dir(here.path()).expect("the directory").count(), 0);
    let output = run(here.path(), &["config", "init"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", text(&output.stderr));
    assert_eq!(run(here.path(), &["config"]).status.code(), Some(0));
    std::fs::write(&file, "pg-port = 7\n").expect("a file");
    let again = run(here.path(), &["config", "init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("there already"), "{}", text(&again.stderr));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "pg-port = 7\n");
    assert_eq!(run(here.path(), &["config", "init", "--config", "nowhere/x.toml"]).status.code(), Some(2));
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let here = directory();
    let page = text(&run(here.path(), &["man"]).stdout);
    assert!(page.contains(".TH sandbox-lifecycle 1") && page.contains("Exit codes"), "{page}");
    assert_eq!(run(here.path(), &["man", "pages"]).status.code(), Some(0));
    let pages = std::fs::read_dir(here.path().join("pages")).expect("the directory").count();
    let help = commands(&Cli::command(), &[]).len();
    assert_eq!(pages, help);
}

#[test]
fn completions_are_scripts_that_their_shells_can_read() {
    let here = directory();
    for shell in ["bash", "zsh", "fish"] {
        let output = run(here.path(), &["completions", shell]);
        assert!(text(&output.stdout).contains("sandbox-lifecycle"), "{shell}: {output:?}");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{shell}: {output:?}");
        let file = here.path().join(shell);
        std::fs::write(&file, &output.stdout).expect("a file");
        if let Ok(read) = Command::new(shell).arg("-n").arg(&file).output() {
            assert!(read.status.success(), "{shell}: {}", text(&read.stderr));
        }
    }
    assert_eq!(run(here.path(), &["completions", "nushell"]).status.code(), Some(2));
}

/// What bash is offered for the last of these words.
async fn completed(lab: &Sandbox, words: &[&str]) -> Vec<String> {
    let arguments = [&["--", "sandbox-lifecycle"], words].concat();
    let mut command = lab.command(&arguments);
    command.env("SANDBOX_LIFECYCLE_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let Ran { code, stdout, stderr } = finish(command.spawn().expect("the binary starts")).await;
    assert_eq!(code, 0, "{stderr}");
    stdout.lines().map(str::to_owned).collect()
}

/// The same without the flags that could stand there as well.
async fn named(lab: &Sandbox, words: &[&str]) -> Vec<String> {
    completed(lab, words).await.into_iter().filter(|word| !word.starts_with('-')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_completes_commands_flags_and_the_objects_of_the_cluster() {
    let lab = Sandbox::new().await;
    assert!(completed(&lab, &["refresh-f"]).await.contains(&"refresh-from-prod".to_owned()));
    assert!(completed(&lab, &["refresh", "--sandbox-dep"]).await.contains(&"--sandbox-deployment".to_owned()));
    assert_eq!(completed(&lab, &["--sandbox-namespace", "erp-s"]).await, ["erp-sandbox"]);
    assert_eq!(completed(&lab, &["refresh", "--prod-deployment", ""]).await, ["erp"]);
    assert_eq!(completed(&lab, &["--sandbox-namespace", "erp", "--sandbox-deployment", ""]).await, ["erp"]);
    assert_eq!(completed(&lab, &["--prod-secret", "vso"]).await, ["vso-db-credentials"]);
    assert_eq!(completed(&lab, &["--argocd-application", ""]).await, ["erp-sandbox"]);
    assert!(!completed(&lab, &["--context", ""]).await.is_empty());
    assert!(lab.api.record.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_completes_checkpoints_of_the_pod_that_has_them_or_of_the_record() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    std::fs::create_dir(lab.documents(SANDBOX).join("mycompany")).expect("a tree");
    assert!(named(&lab, &["reset", ""]).await.is_empty(), "there is none yet");
    lab.run(&["--min-tables", "10", "checkpoint", "one"]).await.assert_code(0);
    assert_eq!(named(&lab, &["reset", ""]).await, ["one"], "the last one is on record");
    lab.run(&["--min-tables", "10", "checkpoint", "two", "--warm"]).await.assert_code(0);
    for words in [&["reset", ""][..], &["diff", ""], &["checkpoint", "show", ""], &["checkpoint", "delete", ""]] {
        assert_eq!(named(&lab, words).await, ["one", "two"], "{words:?}");
    }
    assert_eq!(named(&lab, &["checkpoint", "show", "t"]).await, ["two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_completes_backup_sets_of_the_environment_that_is_meant() {
    let vault = Vault::new().await;
    let made = vault.run(&["--output", "json", "backup"]).await.assert_code(0).json();
    let set = made["backup"]["set"].as_str().expect("a set");
    let key = ["--s3-secret", "bucket-key"];
    for words in [&["backup", "show", ""][..], &["backup", "verify", &set[..4]], &["refresh", "--from-backup", ""]] {
        assert_eq!(named(&vault.lab, &[&key, words].concat()).await, [set], "{words:?}");
    }
    let of_the_sandbox = ["backup", "--env", "sandbox", "show", ""];
    assert!(named(&vault.lab, &[&key[..], &of_the_sandbox].concat()).await.is_empty());
    assert!(named(&vault.lab, &["backup", "show", ""]).await.is_empty(), "no bucket is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_no_cluster_answers_gets_no_objects_and_no_noise() {
    let lab = Sandbox::new().await;
    std::fs::remove_file(lab.kubeconfig()).expect("it is there");
    assert!(completed(&lab, &["refresh", "--prod-deployment", ""]).await.is_empty());
    assert!(named(&lab, &["reset", ""]).await.is_empty());
    assert!(named(&lab, &["--s3-secret", "bucket-key", "backup", "show", ""]).await.is_empty());
}

/// The one line that is said, with no word of it twice.
fn one_sentence(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{said}");
    assert!(said.matches("os error").count() <= 1 && !said.contains("Error {"), "{said}");
    said
}

#[test]
fn without_a_cluster_one_sentence_says_why_and_what_to_do() {
    let here = directory();
    let kubeconfig = here.path().join("none");
    let said = one_sentence(here.path(), &["refresh"]);
    assert!(said.contains("No such file") && said.contains(kubeconfig.to_str().expect("a path")), "{said}");
    assert!(said.contains("set KUBECONFIG"), "{said}");
    std::fs::create_dir(&kubeconfig).expect("a directory");
    for arguments in [&["refresh"][..], &["--context", "x", "refresh"]] {
        let said = one_sentence(here.path(), arguments);
        assert!(said.contains("none is a directory; set KUBECONFIG to the file"), "{said}");
    }
    std::fs::remove_dir(&kubeconfig).expect("it is empty");
    std::fs::write(&kubeconfig, "garbage: [").expect("a file");
    assert!(one_sentence(here.path(), &["refresh"]).contains("line 1"));
    let login = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: there-is-no-such-program}}";
    for (user, words) in [("{token: x}", "Connection refused"), (login, "auth exec")] {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\n\
             contexts: [{{name: mine, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n\
             current-context: mine\n"
        );
        std::fs::write(&kubeconfig, text).expect("a file");
        let said = one_sentence(here.path(), &["refresh"]);
        assert!(said.contains(words), "{said}");
    }
    let said = one_sentence(here.path(), &["--context", "yours", "refresh"]);
    assert!(said.contains("no context \"yours\"; it has mine"), "{said}");
}
