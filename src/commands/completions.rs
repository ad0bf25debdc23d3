//! `completions`, and what the shells call when somebody presses Tab.
use crate::cli::{COMPLETE, Cli, Command, Options, RunFlags, Shell, Side};
use crate::cluster::Cluster;
use crate::cluster::names::{Kind, contexts};
use crate::golden::ROOT;
use crate::report;
use crate::settings::Settings;
use crate::step::backup::shelf::Shelf;
use anyhow::{Context, Result};
use clap::FromArgMatches;
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCandidates, CompletionCandidate};
use std::ffi::OsString;
use std::time::Duration;

/// Nobody waits longer for a completion; without an answer there is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// Settings that name objects of the cluster.
const OBJECTS: [(&str, Kind, Where); 9] = [
    ("prod_namespace", Kind::Namespace, Where::Sandbox),
    ("sandbox_namespace", Kind::Namespace, Where::Sandbox),
    ("argocd_namespace", Kind::Namespace, Where::Sandbox),
    ("prod_deployment", Kind::Deployment, Where::Prod),
    ("sandbox_deployment", Kind::Deployment, Where::Sandbox),
    ("prod_secret", Kind::Secret, Where::Prod),
    ("sandbox_secret", Kind::Secret, Where::Sandbox),
    ("watchdog_service_account", Kind::ServiceAccount, Where::Sandbox),
    ("argocd_application", Kind::Application, Where::Argo),
];

/// Words of a command that name something of the sandbox's or the bucket's.
const NAMES: [(&[&str], &str, What); 7] = [
    (&["reset"], "name", What::Checkpoint),
    (&["diff"], "name", What::Checkpoint),
    (&["checkpoint", "show"], "name", What::Checkpoint),
    (&["checkpoint", "delete"], "name", What::Checkpoint),
    (&["backup", "show"], "set", What::Set),
    (&["backup", "verify"], "set", What::Set),
    (&["refresh"], "set", What::Set),
];

/// What can be named.
#[derive(Clone, Copy)]
enum What {
    Object(Kind, Where),
    Checkpoint,
    /// A backup set.
    Set,
}

/// In which of the namespaces.
#[derive(Clone, Copy)]
enum Where {
    Prod,
    Sandbox,
    Argo,
}

/// Answers a shell that asks for completions. `false` when this is no such call.
///
/// # Errors
/// The shell is none of those that can be asked for.
pub fn complete() -> Result<bool, clap::Error> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(completed).var(COMPLETE).try_complete(std::env::args_os(), here.as_deref())
}

/// What can be typed, with the values that only the cluster knows.
fn completed() -> clap::Command {
    let command = Cli::typed().mut_arg("context", |context| {
        context.add(ArgValueCandidates::new(|| candidates(contexts().unwrap_or_default())))
    });
    let command =
        OBJECTS.iter().fold(command, |command, &(id, kind, place)| offer(command, &[], id, What::Object(kind, place)));
    NAMES.iter().fold(command, |command, &(path, id, what)| offer(command, path, id, what))
}

/// To the argument of the subcommand that this path leads to.
fn offer(command: clap::Command, path: &'static [&'static str], id: &'static str, what: What) -> clap::Command {
    match path {
        [] => command.mut_arg(id, |argument| {
            argument.add(ArgValueCandidates::new(move || candidates(names(what).unwrap_or_default())))
        }),
        [name, rest @ ..] => command.mut_subcommand(*name, |sub| offer(sub, rest, id, what)),
    }
}

fn candidates(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Asks the cluster that the words typed so far, the environment and the settings file mean.
fn names(what: What) -> Result<Vec<String>> {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let matches = Cli::typed().ignore_errors(true).try_get_matches_from(words)?;
    let flags = RunFlags::from_arg_matches(&matches)?;
    let mut settings = Settings::unchecked(Options::from_arg_matches(&matches)?, flags.config.as_deref())?;
    settings.wanted.side = match Command::from_arg_matches(&matches) {
        Ok(Command::Backup(backup)) => backup.env,
        Ok(Command::Refresh { from, .. }) => from.env,
        _ => Side::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, asked(&settings, what)).await? })
}

async fn asked(settings: &Settings, what: What) -> Result<Vec<String>> {
    let cluster = Cluster::connect(settings.context.as_deref(), settings.request_timeout).await?;
    match what {
        What::Object(kind, Where::Prod) => cluster.names(kind, &settings.prod.namespace).await,
        What::Object(kind, Where::Sandbox) => cluster.names(kind, &settings.sandbox.namespace).await,
        What::Object(kind, Where::Argo) => cluster.names(kind, &settings.argocd_namespace).await,
        What::Checkpoint => checkpoints(&settings.sandbox.namespace, &cluster).await,
        What::Set => Shelf::open(settings, &cluster).await?.names().await,
    }
}

/// Only a Pod that has the volume knows them all, and nobody waits for one to start: else those that are on record.
async fn checkpoints(namespace: &str, cluster: &Cluster) -> Result<Vec<String>> {
    if let Some(pod) = cluster.pod_with_golden(namespace).await? {
        let listed = String::from_utf8(cluster.run_in(&pod, &["ls", &format!("{ROOT}/checkpoints")]).await?)?;
        return Ok(listed.lines().map(str::to_owned).collect());
    }
    let record = cluster.record(namespace).await?.unwrap_or_default();
    let acts = [record.checkpoint, record.reset].into_iter().flatten();
    let mut names: Vec<String> = acts.filter_map(|act| act.name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Prints the script that a shell sources; it calls the program itself, so it need not be made again for a new version.
pub(super) fn print(shell: Shell) -> Result<()> {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let shells = Shells::builtins();
    let shell = shells.completer(name).context("a bug: a shell that nothing is known of")?;
    let mut script = Vec::new();
    let own = "sandbox-lifecycle";
    shell.write_registration(COMPLETE, own, own, own, &mut script)?;
    report::result(String::from_utf8(script)?.trim_end()).context("cannot write the completions")
}
