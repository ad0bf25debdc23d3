//! What can be typed, and what is said about what cannot.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"))
        .args(arguments)
        .current_dir(directory.path())
        .env_clear()
        .env("KUBECONFIG", directory.path().join("none"))
        .output()
        .expect("the binary starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn help_names_every_setting_with_its_variable_and_the_exit_codes() {
    let output = run(&["--help"]);
    let help = said(&output);
    assert_eq!(output.status.code(), Some(0));
    for name in sandbox_lifecycle::cli::Options::names() {
        let typed = [format!("--{name} "), format!("--{name}[=")];
        assert!(typed.iter().any(|typed| help.contains(typed)), "--{name} is not in: {help}");
        let variable = format!("SANDBOX_LIFECYCLE_{}", name.replace('-', "_").to_uppercase());
        assert!(help.contains(&variable), "{variable} is not in: {help}");
    }
    for words in ["Exit codes:", "130", "143", "could NOT be put back"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn usage_errors_end_with_2() {
    for arguments in [&["refresh", "--nonsense"][..], &["nonsense"], &["--pg-port", "x", "refresh"], &[]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = run(&["refresh", "--prod-namespace", "Not A Name"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("prod-namespace"), "{}", said(&output));
}

/// Without a cluster: had it been asked for anything, that would be the failure.
#[test]
fn backups_without_a_bucket_are_a_usage_error_before_anything_is_asked() {
    for arguments in [
        &["backup"][..],
        &["--dry-run", "backup"],
        &["backup", "list"],
        &["backup", "show", "20260115"],
        &["backup", "prune"],
        &["backup", "verify", "--restore"],
        &["refresh", "--from-backup"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("--s3-secret"), "{arguments:?}: {}", said(&output));
    }
    assert_eq!(run(&["refresh"]).status.code(), Some(1), "no cluster");
}

#[test]
fn a_typo_in_the_settings_file_names_the_file_and_the_nearest_setting() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("my.toml");
    std::fs::write(&file, "sandbox-namespce = 'x'\n").expect("a file");
    let output = run(&["--config", file.to_str().expect("a plain path"), "refresh"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("my.toml") && said.contains("sandbox-namespace"), "{said}");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_the_settings_name_and_in_plain_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("my.toml");
    std::fs::write(&file, "prod-namespace = 1\ndocuments-tree = 'mycompany'\npg-port = 99999\n").expect("a file");
    let output = run(&["--config", file.to_str().expect("a plain path"), "config"]);
    let wrong = said(&output);
    assert_eq!(output.status.code(), Some(2), "{wrong}");
    for words in ["my.toml", "prod-namespace wants text", "documents-tree wants a list", "pg-port wants a whole number"]
    {
        assert!(wrong.contains(words), "{words}: {wrong}");
    }
    assert!(!wrong.contains("invalid type") && !wrong.contains("expected"), "{wrong}");
    for (port, words) in
        [("0", "pg-port wants a whole number from 1 to 65535"), ("99999", "'--pg-port <PORT>': it wants")]
    {
        let output = run(&["--pg-port", port, "config"]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}

#[test]
fn a_variable_that_was_mistyped_is_warned_of_by_name_and_never_by_value() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in [&["config"][..], &["--quiet", "config"], &["--output", "json", "config"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"));
        command.args(arguments).current_dir(directory.path()).env_clear();
        command.env("SANDBOX_LIFECYCLE_S3_SECRETS", "hush").env("SANDBOX_LIFECYCLE_PG_PORT", "7");
        let output = command.env("SANDBOX_LIFECYCLE_COMPLETE", "").output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(0), 1), "{stderr}");
        assert!(
            stderr.starts_with("warning: ") && stderr.contains("SANDBOX_LIFECYCLE_S3_SECRETS is unknown"),
            "{stderr}"
        );
        assert!(stderr.contains("did you mean SANDBOX_LIFECYCLE_S3_SECRET?"), "{stderr}");
        assert!(!said(&output).contains("hush"), "{}", said(&output));
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, stdout) = std::os::unix::net::UnixStream::pair().expect("a pair");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"))
        .arg("man")
        .stdout(std::os::fd::OwnedFd::from(stdout))
        .output()
        .expect("the binary starts");
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_context_that_does_not_exist_is_one_sentence() {
    let output = run(&["--context", "nowhere", "refresh"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nowhere") && said.trim().lines().count() == 1, "{said}");
}

#[test]
fn a_settings_value_is_never_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("evil.toml");
    let mark = directory.path().join("mark");
    let evil = format!("sandbox-role = '$(touch {0})`touch {0}`'\n", mark.display());
    std::fs::write(&file, evil).expect("a file");
    run(&["--config", file.to_str().expect("a plain path"), "--dry-run", "refresh"]);
    assert!(!mark.exists());
}
