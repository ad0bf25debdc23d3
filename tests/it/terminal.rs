//! What a person sees at a terminal, and what a CI log holds.

use crate::support::postgres::Production;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, finish};
use std::io::{BufRead as _, Write as _};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Nothing scrolls away.
const ROWS: u16 = 500;

/// The titles of a refresh, in their order.
const TITLES: [&str; 10] = [
    "Start the Job",
    "Dump production",
    "Check the sandbox's database",
    "Pause Argo CD",
    "Scale the sandbox to 0",
    "Restore into the sandbox",
    "Scale the sandbox up",
    "Re-arm Argo CD",
    "Remove the transient objects",
    "Copy the documents",
];

/// The binary at a terminal of so many columns: all that was written, and what its screen shows at the end.
struct Seen {
    code: i32,
    raw: String,
    screen: String,
}

async fn with_documents() -> Sandbox {
    let lab = Sandbox::new().await;
    std::fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("a directory of the lab's own");
    lab
}

/// `script` makes the terminal, `stty` its size, and `sh` gives way to the binary.
fn at_a_terminal(lab: &Sandbox, columns: u16, arguments: &[&str]) -> Command {
    let own = lab.command(arguments);
    let mut command = Command::new("script");
    let line = format!("stty cols {columns} rows {ROWS}; exec \"$BINARY\" {}", arguments.join(" "));
    command.args(["-qec", &line, "/dev/null"]).current_dir(lab.dir.path()).env_clear();
    for (name, value) in own.as_std().get_envs() {
        command.env(name, value.expect("a value"));
    }
    command.env("BINARY", env!("CARGO_BIN_EXE_sandbox-lifecycle")).env("PATH", "/usr/bin:/bin");
    command.env("SHELL", "/bin/sh").env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn see(mut command: Command, columns: u16) -> Seen {
    let Ran { code, stdout, .. } = finish(command.spawn().expect("script is there")).await;
    let mut parser = vt100::Parser::new(ROWS, columns, 0);
    parser.process(stdout.as_bytes());
    Seen { code, screen: parser.screen().contents(), raw: stdout }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_every_step_leaves_one_line_and_the_report_stands_below() {
    let lab = with_documents().await;
    let seen = see(at_a_terminal(&lab, 100, &["refresh"]), 100).await;
    assert_eq!(seen.code, 0, "{}", seen.screen);
    let lines: Vec<&str> = seen.screen.lines().collect();
    let marked: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("✓ ")).collect();
    let titles: Vec<&str> = marked.iter().filter_map(|line| line.split_once(" (").map(|(title, _)| title)).collect();
    assert_eq!(titles, TITLES, "{}", seen.screen);
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        assert!(!lines[number + 1..].contains(line), "said twice: {line}\n{}", seen.screen);
        assert!(!line.contains("[1/") && !line.contains('⠋'), "what moved is still there: {line}");
    }
    assert!(seen.screen.contains("downtime   "), "{}", seen.screen);
    assert!(seen.raw.contains("[6/10] Restore into the sandbox") && seen.raw.contains("\u{1b}[32m"), "{}", seen.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_narrow_terminal_nothing_is_torn() {
    let lab = Sandbox::new().await;
    for columns in [40, 20] {
        let seen = see(at_a_terminal(&lab, columns, &["refresh-from-prod"]), columns).await;
        assert_eq!(seen.code, 0, "{}", seen.screen);
        // A moving line that had been wrapped would have left its first part behind.
        assert!(!seen.screen.contains("/9]"), "{}", seen.screen);
        // Behind it there is room for the `^C` that the terminal echoes.
        let moving =
            |piece: &&str| piece.contains("/9]") && console::measure_text_width(piece) > usize::from(columns) - 3;
        assert_eq!(seen.raw.split(['\r', '\n']).find(moving), None, "{}", seen.raw);
        let whole = seen.screen.replace('\n', "");
        assert_eq!(whole.matches("✓ ").count(), 9, "{}", seen.screen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_is_wrapped_between_words_and_a_pipe_gets_it_whole() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.change("applications", "argocd", "erp-sandbox", |app| {
        app["spec"]["syncPolicy"]["automated"]["selfHeal"] = false.into()
    });
    for arguments in [&["status"][..], &["doctor"], &["config"]] {
        let whole = lab.run(arguments).await.stdout;
        assert!(whole.lines().any(|line| line.chars().count() > 80), "{arguments:?}: {whole}");
        let mut command = at_a_terminal(&lab, 80, arguments);
        command.env("NO_COLOR", "1");
        let seen = see(command, 80).await;
        // Ages go on.
        let stays = |word: &&str| !word.starts_with("second") && !word.contains(|c: char| c.is_ascii_digit());
        let words = |text: &str| text.split_whitespace().filter(stays).map(str::to_owned).collect::<Vec<_>>();
        let written: String =
            seen.raw.lines().take_while(|line| !line.contains("error: ")).collect::<Vec<_>>().join("\n");
        assert_eq!(words(&written), words(&whole), "{arguments:?}: {written}");
        let long = |line: &&str| line.trim_end().chars().count() >= 80 && !line.contains("fix: kubectl ");
        assert_eq!(written.lines().find(long), None, "{arguments:?}: {written}");
    }
    std::fs::create_dir_all(lab.documents(SANDBOX).join("mycompany")).expect("a directory of the lab's own");
    lab.run(&["--min-tables", "10", "checkpoint"]).await.assert_code(0);
    for (arguments, code) in [
        (&["checkpoint", "list"][..], 0),
        (&["checkpoint", "show", "golden"], 0),
        (&["sync-documents", "--container", "nope"], 1),
    ] {
        let seen = see(at_a_terminal(&lab, 80, arguments), 80).await;
        assert_eq!(seen.code, code, "{}", seen.screen);
        // A line of all columns was broken by the terminal, in the middle of a word.
        let torn = seen.screen.lines().find(|line| line.chars().count() >= 80);
        assert_eq!(torn, None, "{arguments:?}: {}", seen.screen);
        // A container that is in neither Pod is two problems, and not again those of asking it.
        assert_eq!(seen.screen.matches("\n  - ").count(), if code == 0 { 0 } else { 2 }, "{}", seen.screen);
        assert!(seen.screen.lines().any(|line| line.starts_with("  ")), "{arguments:?}: {}", seen.screen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_a_terminal_marks_its_step_and_ends_with_the_cause() {
    let lab = Sandbox::new().await;
    let broken = ["refresh-from-prod", "--min-tables", "100000"];
    let seen = see(at_a_terminal(&lab, 120, &broken), 120).await;
    assert_eq!(seen.code, 1, "{}", seen.screen);
    assert!(seen.screen.contains("✗ Dump production ("), "{}", seen.screen);
    let last = seen.screen.lines().skip_while(|line| !line.starts_with("error: ")).collect::<String>();
    assert!(last.contains("fewer than --min-tables 100000"), "{}", seen.screen);
    assert_eq!(seen.screen.matches("error: ").count(), 1, "{}", seen.screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_asked_for_and_refused_by_the_environment() {
    let lab = Sandbox::new().await;
    let coloured = |raw: &str| ["\u{1b}[3", "\u{1b}[1", "\u{1b}[2m"].iter().any(|code| raw.contains(code));
    let wrong = ["refresh", "--prod-deployment", "missing"];
    for (name, value, wanted) in [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("CLICOLOR", "0", false)] {
        let mut command = at_a_terminal(&lab, 80, &wrong);
        command.env(name, value);
        let seen = see(command, 80).await;
        assert_eq!(coloured(&seen.raw), wanted, "{name}={value}: {:?}", seen.raw);
    }
    for (variables, wanted) in [
        (&[("TERM", "xterm")][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "0")], false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut command = lab.command(&wrong);
        command.envs(variables.iter().copied());
        let ran = finish(command.spawn().expect("the binary starts")).await;
        assert_eq!(coloured(&ran.stderr), wanted, "{variables:?}: {:?}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_can_only_print_and_a_ci_log_get_plain_lines() {
    let lab = with_documents().await;
    for (name, value) in [("TERM", "dumb"), ("CI", "true")] {
        let mut command = at_a_terminal(&lab, 80, &["sync-documents"]);
        command.env(name, value).env("NO_COLOR", "1");
        let seen = see(command, 80).await;
        assert_eq!(seen.code, 0, "{}", seen.raw);
        assert!(!seen.raw.contains('\u{1b}'), "{name}: {:?}", seen.raw);
        assert!(seen.raw.contains("[1/1] Copy the documents\r\n"), "{name}: {:?}", seen.raw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pipe_stdout_has_the_report_alone_and_stderr_says_everything_once() {
    let lab = with_documents().await;
    let ran = lab.run(&["refresh"]).await.assert_code(0);
    for (number, title) in (1..).zip(TITLES) {
        assert_eq!(ran.stderr.matches(&format!("[{number}/10] {title}\n")).count(), 1, "{}", ran.stderr);
        assert_eq!(ran.stderr.matches(&format!(" s: {title}\n")).count(), 1, "{}", ran.stderr);
        assert!(!ran.stdout.contains(title), "{}", ran.stdout);
    }
    assert!(!ran.stderr.contains('\u{1b}') && ran.stdout.starts_with("database "), "{ran:?}");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    // Nothing was in flight.
    assert!(!ran.stderr.contains("waiting for an operation"), "{}", ran.stderr);
    let ran = lab.run(&["-q", "refresh"]).await.assert_code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

/// The exit code alone would call what was committed a failure, for no reason that anybody can see.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_written_is_said_with_how_the_run_has_ended() {
    let lab = with_documents().await;
    for arguments in [&["sync-documents"][..], &["--output", "json", "sync-documents"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
        let mut command = lab.command(arguments);
        let ran = finish(command.stdout(full).spawn().expect("the binary starts")).await.assert_code(1);
        let last = ran.stderr.lines().last().unwrap_or_default();
        assert!(last.contains("has ended as told") && last.contains("No space left on device"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_hears_every_few_seconds_of_a_step_that_takes_its_time() {
    let lab = Sandbox::new().await;
    // The dump waits for a table for as long as this session has it.
    let mut owner = lab.postgres.psql("erp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql starts");
    let table = "DO $$ BEGIN EXECUTE (SELECT format('LOCK TABLE %s', oid::regclass) FROM pg_class WHERE relkind = 'r' \
                 AND relname LIKE 'llx%' LIMIT 1); END $$";
    let mut input = owner.stdin.take().expect("a pipe");
    writeln!(input, "BEGIN;\n{table};\nSELECT 'locked';").expect("it listens");
    let said = std::io::BufReader::new(owner.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(said.take_while(|line| !line.contains("locked")).count() < 10);
    let mut child = lab.command(&["refresh-from-prod"]).spawn().expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut input = Some(input);
    let mut all = String::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        let beats = line.starts_with("      ") && (line.contains(" s: ") || line.ends_with(" s so far"));
        if beats {
            // psql ends with its input, and its transaction with it.
            drop(input.take());
        }
        all += &format!("{line}\n");
    }
    assert_eq!(finish(child).await.code, 0, "{all}");
    assert!(input.is_none(), "not a word while it waited:\n{all}");
    owner.wait().expect("it ends");
}
