//! One function a subcommand: which plan, under which Lease, and what is said at the end.
mod ahead;
mod backup;
mod completions;
mod conclude;
mod config;
mod doctor;
mod halfway;
mod holder;
mod manifests;
mod manual;
mod recover;
mod rehearse;
mod remember;
mod status;

pub use completions::complete;
pub use conclude::conclude;

use crate::cli::{Cli, Command, ConfigAction, Output};
use crate::cluster::Cluster;
use crate::cluster::lease::{Found, Held, NAME, Taken};
use crate::guard::Guard;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::report::{self, Event, Report};
use crate::settings::{Settings, Usage};
use crate::shutdown::Shutdown;
use crate::step::golden::State;
use crate::step::{Context, preflight, rights};
use crate::summary::Summary;
use anyhow::{Context as _, Result, anyhow, bail};
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

/// A run's surroundings.
struct Run<'a> {
    settings: &'a Settings,
    report: &'a dyn Report,
    /// Eight random hex digits, in the name of everything transient.
    id: String,
}

/// Runs a command that asks no cluster; `None` for all others.
pub fn locally(cli: &Cli, report: &dyn Report) -> Option<Outcome> {
    let done = match &cli.command {
        Command::Config { action: Some(_) } | Command::Man { directory: Some(_) } if cli.run.dry_run => {
            let what = if matches!(cli.command, Command::Man { .. }) { "man DIRECTORY" } else { "config init" };
            Err(Usage::new(format!(
                "{what} writes files and nothing else, so it has no --dry-run; nothing was written"
            ))
            .into())
        }
        Command::Config { action: None } => config::print(cli),
        Command::Config { action: Some(ConfigAction::Init) } => config::init(cli, report),
        Command::Completions { shell } => completions::print(*shell),
        Command::Man { directory } => manual::print(directory.as_deref()),
        Command::Manifests { manifest } => manifests::print(cli, manifest),
        _ => return None,
    };
    Some(done.map_or_else(Outcome::from, |()| Outcome::default()))
}

/// Runs the command; everything it has to say on the way goes to `report`.
pub async fn run(cli: &Cli, report: &dyn Report, summary: &mut Summary) -> Outcome {
    let loaded = Settings::load(cli.options.clone(), cli.run.config.as_deref());
    let settings = match loaded.and_then(|settings| Ok(settings.wanting(&cli.command)?)) {
        Ok(settings) => settings,
        Err(error) => return error.into(),
    };
    let id = format!("{:08x}", RandomState::new().hash_one(std::process::id()) as u32);
    summary.run.clone_from(&id);
    let run = Run { settings: &settings, report, id };
    let outcome = match (Plan::of(&cli.command, &settings), &cli.command) {
        (Some(plan), _) if cli.run.dry_run => {
            run.dry(&plan, cli.run.output, summary).await.map(|()| Outcome::default())
        }
        (Some(plan), _) if settings.wanted.wait.is_some() => run.rehearse(&plan, summary).await,
        (Some(plan), _) => run.carry_out(&plan, summary).await,
        (None, Command::Recover { .. }) if cli.run.dry_run => run.would_recover(cli.run.output, summary).await,
        (None, Command::Recover { wait: Some(patience), .. }) => run.stand_by(*patience).await,
        (None, Command::Recover { force, .. }) => run.recover(*force).await,
        (None, Command::Backup(backup)) => run.look_after_backups(backup.action.as_ref(), &cli.run, summary).await,
        (None, Command::Doctor { task, deep }) => run.doctor((*task, *deep), &cli.run, summary).await,
        (None, Command::Status(ages)) => run.status(*ages, cli.run.output, summary).await,
        (None, _) => Err(anyhow!("a bug: this command has no plan")),
    };
    let outcome = outcome.unwrap_or_else(Outcome::from);
    match show(cli, &outcome, summary) {
        Ok(()) => outcome,
        Err(error) => error.into(),
    }
}

/// The checkpoints, for a person: a line each, which a terminal gets wrapped.
fn show(cli: &Cli, outcome: &Outcome, summary: &mut Summary) -> Result<()> {
    let text = cli.run.output == Output::Text && !cli.run.quiet && !cli.run.dry_run;
    if text && outcome.code() == 0 && matches!(cli.command, Command::Checkpoint { shelf: Some(_), .. }) {
        summary.outcome = "done";
        report::facts(summary.to_string().trim_end(), SUMMARY_INDENT).context("cannot write the result")?;
        summary.told = true;
    }
    Ok(())
}

/// Where in a summary what is said of a thing begins.
const SUMMARY_INDENT: usize = 11;

impl Run<'_> {
    async fn carry_out(&self, plan: &Plan, summary: &mut Summary) -> Result<Outcome> {
        let mut shutdown = Shutdown::listen()?;
        let cluster = self.connect().await?;
        // What cannot be read cannot be looked at, and what cannot be undone must not be begun.
        preflight::apart(self.settings)?;
        rights::check(self.settings, &cluster, plan.scope(self.settings)).await?;
        // Before the preflight: what a dead run left is no state to look at, or to come back to.
        let recovered = self.recover_from_the_dead(&cluster, &mut shutdown, false).await?;
        if recovered.as_ref().is_some_and(|outcome| outcome.code() != 0) {
            return Ok(recovered.unwrap_or_default());
        }
        let found = tokio::select! {
            signal = shutdown.requested() => return Err(anyhow!(signal).context("nothing was changed")),
            found = self.look(&cluster, plan) => found?,
        };
        summary.warnings = self.tell(&found);
        let held = self.take_lease(&cluster, &summary.command).await?;
        self.guarded(plan, &cluster, &mut shutdown, held, &found, summary).await
    }

    /// The plan, with the Lease held; and what came of it, for the record.
    async fn guarded(
        &self,
        plan: &Plan,
        cluster: &Cluster,
        shutdown: &mut Shutdown,
        held: Held,
        found: &preflight::Found,
        summary: &mut Summary,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let mut backup = crate::step::backup::State::default();
        let mut outcome = Guard::around(cluster, self.report, shutdown, held, async |guard: &Guard<'_>| {
            let record = self.known(cluster).await;
            let mut cx = Context {
                settings: self.settings,
                cluster,
                guard,
                report: self.report,
                found,
                summary,
                run: &self.id,
                full: plan.full,
                job: None,
                watchdog: None,
                stopped: None,
                synced: false,
                golden: State::default(),
                record,
                backup: &mut backup,
            };
            plan.run(&mut cx).await
        })
        .await;
        self.let_uploads_go(&backup, shutdown, summary).await;
        outcome.cause = outcome.cause.map(|cause| halfway::told(plan, self.settings, summary, cause));
        summary.seconds = started.elapsed().as_secs_f64();
        self.remember(cluster, shutdown, summary, outcome.code() == 0).await;
        Ok(outcome)
    }

    /// The preflight; where it finds something wrong while another run is under way, that may be the other's doing.
    async fn look(&self, cluster: &Cluster, plan: &Plan) -> Result<preflight::Found> {
        let namespace = &self.settings.sandbox.namespace;
        let error = match preflight::check(self.settings, cluster, plan.scope(self.settings)).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        Err(match cluster.find_lease(namespace).await {
            Ok(Some(other)) => error.context(format!("{}, and this may be its doing", held_by(namespace, &other))),
            _ => error,
        })
    }

    async fn take_lease(&self, cluster: &Cluster, command: &str) -> Result<Held> {
        let namespace = &self.settings.sandbox.namespace;
        match cluster.take_lease(namespace, &self.holder(), command).await? {
            Taken::Mine(held) => Ok(held),
            Taken::Others(found) => {
                bail!("{}; nothing was changed: wait for its end, then run this again", held_by(namespace, &found))
            }
        }
    }

    async fn connect(&self) -> Result<Cluster> {
        Cluster::connect(self.settings.context.as_deref(), self.settings.request_timeout).await
    }

    /// Who holds the Lease, for a person who wonders: user, machine, process and run.
    fn holder(&self) -> String {
        format!("{}/{}/{}", holder::by(), std::process::id(), self.id)
    }

    /// Says what the preflight wants to be known; its warnings are for the report, too.
    fn tell(&self, found: &preflight::Found) -> Vec<String> {
        for text in &found.warnings {
            self.report.event(Event::Warning { text });
        }
        found.notes.iter().for_each(|text| self.note(text));
        found.warnings.clone()
    }

    fn note(&self, text: &str) {
        self.report.event(Event::Note { text: &text });
    }
}

fn held_by(namespace: &str, found: &Found) -> String {
    let since = found.since.map_or(String::new(), |since| format!(" since {since:.0}"));
    format!("the Lease {namespace}/{NAME} is held by {}{since}", found.holder)
}
