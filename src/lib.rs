//! Makes an ERP sandbox iso-prod again: production's database and documents, safely, in seconds.
//!
//! A command is a list of named steps over one context; every change to the cluster is journalled before it is
//! made, and whatever ends the run, the journal is played back. A module imports only from lower floors:
//!
//! | floor | module | holds |
//! |---|---|---|
//! | 8 | `main`, `lib` | arguments in, exit code out |
//! | 7 | [`commands`] | one function a subcommand |
//! | 6 | [`plan`] | the lists of steps, and the loop that runs them |
//! | 5 | [`step`] | one file a step |
//! | 4 | [`guard`] | the bracket around a run: journal, signals, unwinding |
//! | 3 | [`outcome`], [`manifests`] | the only exit codes; YAML to be applied |
//! | 2 | [`undo`], [`summary`], [`rights`] | what can be put back, as data; what a run has to say at its end; every call to the cluster |
//! | 1 | [`cluster`] | verbs of the domain over kube-rs; the only module that names it |
//! | 1 | [`storage`] | objects in a bucket; the only module that names object_store |
//! | 1 | [`settings`] | defaults ← file ← environment ← flags |
//! | 0 | [`cli`], [`report`], [`jobs`], [`documents`], [`golden`], [`shutdown`] | flags; what is told; the Job's scripts; file trees; checkpoints; signals |
//! | 0 | [`backup`] | backup sets as data: names, manifests, seals |
//! | 0 | [`retention`] | which backup sets stay, as a pure function |
//! | 0 | [`record`] | what a sandbox is, as data that outlives its runs |
pub mod backup;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod documents;
pub mod golden;
pub mod guard;
pub mod jobs;
pub mod manifests;
pub mod outcome;
pub mod plan;
pub mod record;
pub mod report;
pub mod retention;
pub mod rights;
pub mod settings;
pub mod shutdown;
pub mod step;
pub mod storage;
pub mod summary;
pub mod undo;

use cli::{Cli, Command, Output};
use outcome::Outcome;
use report::{Detail, Event};
use summary::Summary;

/// Runs the command to its end. Whatever has to be said has been said when it returns.
pub fn run(cli: Cli) -> Outcome {
    log_to_stderr(cli.run.verbose);
    // Clients of the cluster and of the bucket take the process's one; somebody else's that is there already does as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    let detail = match (cli.run.quiet, cli.run.verbose) {
        (true, _) => Detail::Quiet,
        (false, 0) => Detail::Normal,
        (false, _) => Detail::Verbose,
    };
    let report = report::on_stderr(detail, cli.command.looks());
    for text in cli::unknown_variables() {
        report.event(Event::Warning { text: &text });
    }
    if let Some(outcome) = commands::locally(&cli, &*report) {
        commands::conclude(&outcome, &*report, &mut Summary::default());
        return outcome;
    }
    let mut summary = Summary { command: cli.command.name().to_owned(), ..Summary::default() };
    let mut outcome = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(commands::run(&cli, &*report, &mut summary)),
        Err(error) => anyhow::Error::new(error).context("cannot start").into(),
    };
    commands::conclude(&outcome, &*report, &mut summary);
    if let Err(error) = print(&cli, &outcome, &summary) {
        let error = error.context("the run has ended as told, but its result cannot be written to standard output");
        report.event(Event::Failed { cause: &error });
        outcome.cause.get_or_insert(error);
    }
    outcome
}

/// The result on stdout: JSON always says how it ended, text only what was achieved, and so also what a run that failed had committed.
fn print(cli: &Cli, outcome: &Outcome, summary: &Summary) -> anyhow::Result<()> {
    let ran = !cli.run.dry_run && !matches!(cli.command, Command::Recover { .. });
    match cli.run.output {
        _ if summary.told => {}
        Output::Json => report::result(&serde_json::to_string_pretty(summary)?)?,
        Output::Text if ran && (outcome.code() == 0 || summary.committed) && !cli.run.quiet => {
            report::result(summary.to_string().trim_end())?;
        }
        _ => {}
    }
    Ok(())
}

/// Diagnosis for -v and -vv; people are told through [`report`].
fn log_to_stderr(verbose: u8) {
    let filter = match verbose {
        0 => "off",
        1 => "sandbox_lifecycle=info",
        _ => "sandbox_lifecycle=debug,kube_client=debug,kube_runtime=info",
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
