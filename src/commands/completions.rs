//! `completions`, and what the shells call when somebody presses Tab.
use crate::cli::{Cli, Options, RunFlags, Shell};
use crate::cluster::Cluster;
use crate::cluster::names::{Kind, contexts};
use crate::report;
use crate::settings::Settings;
use anyhow::{Context, Result};
use clap::FromArgMatches;
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCandidates, CompletionCandidate};
use std::ffi::OsString;
use std::time::Duration;

/// Names the shell while it asks for completions, and is set by nobody else.
const VARIABLE: &str = "SANDBOX_LIFECYCLE_COMPLETE";
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
    CompleteEnv::with_factory(completed).var(VARIABLE).try_complete(std::env::args_os(), here.as_deref())
}

/// What can be typed, with the values that only the cluster knows.
fn completed() -> clap::Command {
    let command = Cli::typed().mut_arg("context", |context| {
        context.add(ArgValueCandidates::new(|| candidates(contexts().unwrap_or_default())))
    });
    OBJECTS.iter().fold(command, |command, &(id, kind, place)| {
        let names = move || candidates(names(kind, place).unwrap_or_default());
        command.mut_arg(id, |argument| argument.add(ArgValueCandidates::new(names)))
    })
}

fn candidates(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Asks the cluster that the words typed so far, the environment and the settings file mean.
fn names(kind: Kind, place: Where) -> Result<Vec<String>> {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let matches = Cli::typed().ignore_errors(true).try_get_matches_from(words)?;
    let flags = RunFlags::from_arg_matches(&matches)?;
    let settings = Settings::unchecked(Options::from_arg_matches(&matches)?, flags.config.as_deref())?;
    let namespace = match place {
        Where::Prod => &settings.prod.namespace,
        Where::Sandbox => &settings.sandbox.namespace,
        Where::Argo => &settings.argocd_namespace,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let asked = async {
            let cluster = Cluster::connect(settings.context.as_deref(), settings.request_timeout).await?;
            cluster.names(kind, namespace).await
        };
        tokio::time::timeout(PATIENCE, asked).await?
    })
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
    shell.write_registration(VARIABLE, own, own, own, &mut script)?;
    report::result(String::from_utf8(script)?.trim_end()).context("cannot write the completions")
}
