//! Scripts of the workflows, run as a runner runs them, with `git` and `curl` that only write down how they were called.
use super::{scripts, workflows};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const TOKEN: &str = "a-token-of-the-runner";
/// As base64 has it behind the login's name.
const ENCODED: &str = "eC1hY2Nlc3MtdG9rZW46YS10b2tlbi1vZi10aGUtcnVubmVy";

/// A place to run in, with stand-ins on its PATH that write their arguments into `arguments` and their environment into `environment`.
fn place(git: &str, curl: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a directory");
    let noted = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>arguments\nenv >>environment\n";
    for (program, does) in [("git", git), ("curl", curl)] {
        let file = place.path().join(program);
        fs::write(&file, format!("{noted}{does}\n")).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it may be run");
    }
    place
}

/// The one step of the workflow that is called so.
fn step(workflow: &str, name: &str) -> String {
    let all = workflows();
    let (_, _, yaml) = all.iter().find(|(path, ..)| path.ends_with(workflow)).expect("the workflow");
    scripts(yaml).into_iter().find(|(step, _)| step == name).expect("the step").1
}

fn played(place: &Path, script: &str, environment: &[(&str, &str)]) -> Output {
    let path = format!("{}:{}", place.display(), std::env::var("PATH").expect("a PATH"));
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(place);
    bash.env("PATH", path).env("TOKEN", TOKEN).envs(environment.iter().copied()).output().expect("bash starts")
}

fn read(place: &Path, name: &str) -> String {
    fs::read_to_string(place.join(name)).unwrap_or_default()
}

#[test]
fn the_token_is_in_no_argument_of_a_check_out() {
    for workflow in ["ci.yaml", "release.yaml", "refresh-sandbox.yaml"] {
        let place = place("", "");
        let ran = played(place.path(), &step(workflow, "Check out"), &[("URL", "https://git/x"), ("COMMIT", "c0ffee")]);
        assert!(ran.status.success(), "{workflow}: {ran:?}");
        let (arguments, environment) = (read(place.path(), "arguments"), read(place.path(), "environment"));
        assert!(arguments.contains("https://git/x c0ffee"), "{workflow}: {arguments}");
        assert!(!arguments.contains(TOKEN) && !arguments.contains(ENCODED), "{workflow}: {arguments}");
        let header = format!("GIT_CONFIG_VALUE_0=Authorization: Basic {ENCODED}\n");
        assert!(environment.contains(&header), "{workflow}: {environment}");
    }
}

const CREATED: &str = r#"{"id":7,"tag_name":"v1.2.3","assets":[]}"#;
const THERE: &str =
    r#"{"id":8,"tag_name":"v1.2.3","assets":[{"id":21,"name":"one.tar.gz","size":1},{"id":22,"name":"SHA256SUMS"}]}"#;

/// Publishes two files to a server that says this of the tag's release and of a new one; `None` is a refusal.
fn published(of_tag: Option<&str>, new: Option<&str>) -> (Output, String) {
    let says = |answer: Option<&str>| match answer {
        Some(answer) => format!("echo '{answer}'"),
        None => r#"echo '{"message":"it may not be"}'; exit 22"#.to_owned(),
    };
    let (of_tag, new) = (says(of_tag), says(new));
    let place = place("", &format!("case \"$*\" in\n*/tags/*) {of_tag} ;;\n*/assets*) ;;\n*) {new} ;;\nesac"));
    fs::create_dir(place.path().join("dist")).expect("a directory");
    for file in ["one.tar.gz", "SHA256SUMS"] {
        fs::write(place.path().join("dist").join(file), "").expect("a file");
    }
    let ran = played(place.path(), &step("release.yaml", "Publish"), &[("API", "https://api"), ("TAG", "v1.2.3")]);
    let arguments = read(place.path(), "arguments");
    assert!(!arguments.contains(TOKEN), "{arguments}");
    assert!(!place.path().join(".curl").exists(), "the token is left in a file");
    (ran, arguments)
}

#[test]
fn a_release_is_made_once_and_a_second_run_brings_its_files_anew() {
    let (ran, asked) = published(None, Some(CREATED));
    assert!(ran.status.success(), "{ran:?}");
    assert!(asked.contains("https://api/7/assets?name=one.tar.gz\n") && !asked.contains("DELETE"), "{asked}");
    let (ran, asked) = published(Some(THERE), None);
    assert!(ran.status.success(), "{ran:?}");
    for words in ["DELETE https://api/8/assets/21\n", "DELETE https://api/8/assets/22\n"] {
        assert!(asked.contains(words), "{asked}");
    }
    assert!(asked.contains("https://api/8/assets?name=SHA256SUMS\n") && !asked.contains("tag_name"), "{asked}");
}

#[test]
fn a_release_that_is_refused_is_told_in_the_servers_words() {
    let (ran, asked) = published(None, None);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("it may not be"), "{ran:?}");
    assert!(!asked.contains("assets"), "{asked}");
}

#[test]
fn without_the_secret_a_nights_run_ends_well_and_one_by_hand_does_not() {
    let script = step("refresh-sandbox.yaml", "Kubeconfig");
    for (secret, event, code, given) in
        [("", "schedule", 0, ""), ("", "workflow_dispatch", 1, ""), ("kind: Config", "schedule", 0, "given=true\n")]
    {
        let place = place("", "");
        let output = place.path().join("output");
        let output = output.to_str().expect("a path");
        let environment = [("SANDBOX_KUBECONFIG", secret), ("EVENT", event), ("GITHUB_OUTPUT", output)];
        let ran = played(place.path(), &script, &environment);
        assert_eq!(ran.status.code(), Some(code), "{event}: {ran:?}");
        assert_eq!(read(place.path(), "output"), given, "{event}");
        assert_eq!(place.path().join(".kubeconfig").exists(), !secret.is_empty());
        assert_eq!(String::from_utf8_lossy(&ran.stderr).contains("skipped: "), secret.is_empty(), "{ran:?}");
    }
}
