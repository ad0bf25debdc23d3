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
    for (port, words) in [
        ("0", "'--pg-port <PORT>': it wants a whole number from 1 to 65535"),
        ("99999", "'--pg-port <PORT>': it wants"),
    ] {
        let output = run(&["--pg-port", port, "config"]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}

/// With these variables and no others.
fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"));
    command.args(arguments).current_dir(directory.path()).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary starts")
}

#[test]
fn a_variable_with_a_wrong_value_is_blamed_itself_and_an_empty_one_is_not_set() {
    for (name, value) in [("SANDBOX_LIFECYCLE_PG_PORT", "abc"), ("SANDBOX_LIFECYCLE_OUTPUT", "xml")] {
        let output = with(&[(name, value)], &["config"]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(&format!("'{value}' for '{name}'")), "{}", said(&output));
    }
    let typed = with(&[("SANDBOX_LIFECYCLE_PG_PORT", "7")], &["--pg-port=abc", "config"]);
    assert!(said(&typed).contains("for '--pg-port <PORT>'"), "{}", said(&typed));
    let empty = ["OUTPUT", "PG_HOST", "PG_PORT", "CONTAINER", "CONTEXT", "S3_SECRET", "AGE_RECIPIENT"];
    let empty = empty.map(|name| format!("SANDBOX_LIFECYCLE_{name}"));
    let output = with(&empty.each_ref().map(|name| (name.as_str(), "")), &["config"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", said(&output));
    assert!(said(&output).lines().any(|line| line.starts_with("pg-host ") && line.ends_with("default")));
}

#[test]
fn an_empty_flag_is_refused_by_its_name() {
    for name in ["context", "pg-host", "container", "s3-bucket", "s3-region", "age-identity", "storage-class"] {
        let output = run(&[&format!("--{name}"), "", "config"]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(&format!("error: {name} ")), "{}", said(&output));
    }
    for (arguments, words) in [
        (&["manifests", "cronjob", "--image", ""][..], "--image"),
        (&["manifests", "cronjob", "--image", "a b"], "is no name of an image"),
        (&["--watchdog=a b", "config"], "is no name of an image"),
        (&["manifests", "cronjob", "--image", "a", "--schedule", "foo"], "such as 17 2 * * *"),
        (&["manifests", "cronjob", "--image", "a", "--schedule", "1 2 3 4"], "such as 17 2 * * *"),
        (&["manifests", "vault", "--role", "A B"], "--role"),
        (&["manifests", "vault", "--mount", ""], "--mount"),
        (&["refresh", "--after", " "], "--after"),
        (&["checkpoint", "--warm", "list"], "checkpoint list takes no checkpoint's name and no --warm"),
        (&["--dry-run", "config", "init"], "config init writes files"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{arguments:?}: {}", said(&output));
    }
    let image = ["manifests", "cronjob", "--image", "registry:5000/a/b@sha256:00", "--schedule"];
    for schedule in ["*/5 0-4,7 1 JAN MON-FRI", "@daily"] {
        let output = run(&[&image[..], &[schedule]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
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
fn a_kubeconfig_is_looked_for_as_kubectl_does_and_what_is_wrong_with_it_is_said_in_plain_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let with_file = |text: &str| std::fs::write(path("config"), text).expect("a file");
    let asked = |kubeconfig: &str, arguments: &[&str]| {
        let output = with(&[("KUBECONFIG", kubeconfig)], arguments);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert_eq!(said(&output).trim().lines().count(), 1, "{}", said(&output));
        said(&output)
    };
    let none = asked(&path("none"), &["--context", "foo", "status"]);
    assert!(
        none.starts_with("error: no cluster to talk to: cannot use the kubeconfig ") && none.contains("foo"),
        "{none}"
    );
    with_file("contexts: []\n");
    assert!(asked(&path("config"), &["status"]).contains("it has no current-context"));
    with_file("current-context: a\ncontexts: [{name: a, context: {cluster: nope, user: x}}]\n");
    assert!(asked(&path("config"), &["status"]).contains("the context's cluster \"nope\" is none of its clusters"));
    with_file(
        "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nusers: [{name: c, user: {}}]\n\
         clusters: [{name: b, cluster: {server: 'http://127.0.0.1:1'}}]\n",
    );
    let both = format!("{}:{}", path("none"), path("config"));
    let unreachable = asked(&both, &["status"]);
    // Where that is, and what to look at.
    for words in ["http://127.0.0.1:1", "cannot be reached", "--context"] {
        assert!(unreachable.contains(words), "{words}: {unreachable}");
    }
    assert!(asked(&both, &["--context", "foo", "status"]).contains("no context \"foo\"; it has a"));
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
