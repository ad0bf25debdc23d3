//! The runbooks: lists of steps, printed by `--dry-run`, run by one loop.
mod told;

pub use told::Told;

use crate::cli::{Backup, BackupAction, Command, FromBackup, RefreshFlags, Shelf};
use crate::report::Event;
use crate::settings::Settings;
use crate::step::preflight::{Golden, Scope};
use crate::step::{Context, Step};
use crate::summary::Timing;
use anyhow::{Context as _, Result};
use std::time::Instant;

/// What a command does, step after step.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// The database is wiped and restored, even if less would do.
    pub full: bool,
}

impl Plan {
    /// The plan of a command; `None` for one that repairs, looks or prints instead of running steps.
    pub fn of(command: &Command, settings: &Settings) -> Option<Self> {
        let plan = match command {
            Command::RefreshFromProd(flags) => Some(Self::refresh_from_prod(flags).finished(flags)),
            Command::SyncDocuments => Some(Self::sync_documents()),
            Command::Refresh { flags, from: FromBackup { set: Some(_), database_only, .. } } => {
                Some(Self::from_backup(flags.full, *database_only).finished(flags))
            }
            Command::Refresh { flags, .. } => {
                Some(Self::refresh_from_prod(flags).then(Self::sync_documents()).finished(flags))
            }
            Command::Checkpoint { shelf: None, .. } => Some(Self::checkpoint()),
            Command::Checkpoint { shelf: Some(Shelf::Cool), .. } => {
                Some(Self { steps: vec![Step::CoolGolden], full: false })
            }
            Command::Checkpoint { shelf: Some(Shelf::List | Shelf::Show { .. }), .. } => {
                Some(Self::on_the_volume(&[Step::ListCheckpoints]))
            }
            Command::Checkpoint { shelf: Some(Shelf::Delete { .. }), .. } => {
                Some(Self::on_the_volume(&[Step::DeleteCheckpoint]))
            }
            Command::Backup(Backup { action: None, .. }) => Some(Self::backup()),
            Command::Backup(Backup { action: Some(BackupAction::Verify { restore: true, .. }), .. }) => {
                Some(Self::proof())
            }
            Command::Reset(reset) => Some(Self::reset(reset.offline)),
            Command::Diff(_) => Some(Self::on_the_volume(&[Step::CompareWithCheckpoint])),
            _ => None,
        };
        plan.map(|plan| if settings.watchdog.is_some() { plan.watched(settings) } else { plan })
    }

    /// With a watchdog, where there is something to put back.
    fn watched(mut self, settings: &Settings) -> Self {
        if self.scope(settings).stops {
            self.steps.insert(0, Step::StartWatchdog);
        }
        self
    }

    /// The dump comes first: one that fails costs no downtime, and production is read early and briefly.
    fn refresh_from_prod(flags: &RefreshFlags) -> Self {
        use Step::*;
        let steps = vec![StartJob, Dump, CheckSandbox, PauseArgo, ScaleDown, Restore, ScaleUp, ResumeArgo, CleanUp];
        Self { steps, full: flags.full }
    }

    fn sync_documents() -> Self {
        Self { steps: vec![Step::CopyDocuments], full: false }
    }

    /// The database first, so that its credentials' copy is gone early; the manifest last of the set.
    fn backup() -> Self {
        use Step::*;
        let steps = vec![OpenBucket, StartDump, StoreDatabase, StoreDocuments, SealSet, PruneSets];
        Self { steps, full: false }
    }

    /// As from production, but that the set comes from the bucket. A damaged one is found before the sandbox is stopped.
    fn from_backup(full: bool, database_only: bool) -> Self {
        use Step::*;
        let steps = [
            &[FindSet][..],
            if database_only { &[] } else { &[ReadDocuments] },
            &[StartReceiver, ReceiveSet, CheckSandbox, PauseArgo, ScaleDown, Restore, ScaleUp, ResumeArgo, CleanUp],
            if database_only { &[] } else { &[BringDocuments] },
        ];
        Self { steps: steps.concat(), full }
    }

    /// All of the set is read before anything is done with it.
    fn proof() -> Self {
        let mut proof = Self::from_backup(false, false);
        proof.steps.iter_mut().filter(|step| **step == Step::ReadDocuments).for_each(|step| *step = Step::ReadSet);
        proof.steps.push(Step::NoteRestored);
        proof
    }

    fn checkpoint() -> Self {
        Self::on_the_volume(&[Step::SaveCheckpoint, Step::SealCheckpoint])
    }

    /// Documents last: they need a Pod that runs, and the database is what cannot be half-way.
    fn reset(offline: bool) -> Self {
        use Step::*;
        match offline {
            false => Self::on_the_volume(&[VerifyCheckpoint, ResetDatabase, ResetDocuments]),
            true => Self::on_the_volume(&[
                VerifyCheckpoint,
                PauseArgo,
                ScaleDown,
                ResetDatabase,
                ScaleUp,
                ResumeArgo,
                ResetDocuments,
            ]),
        }
    }

    fn on_the_volume(steps: &[Step]) -> Self {
        Self { steps: [&[Step::OpenGolden], steps, &[Step::CloseGolden]].concat(), full: false }
    }

    /// With the operator's own steps: statements while nothing of the sandbox has been touched, so that they are there when it is; the
    /// command when the sandbox is all that it will be without it; and a checkpoint of that.
    fn finished(mut self, flags: &RefreshFlags) -> Self {
        let restores = self.steps.iter().position(|step| *step == Step::PauseArgo);
        if let Some(at) = restores.filter(|_| flags.after_restore_sql.is_some()) {
            self.steps.insert(at, Step::BringStatements);
        }
        if flags.after.is_some() {
            self.steps.push(Step::RunCommand);
        }
        match flags.checkpoint {
            Some(_) => self.then(Self::checkpoint()),
            None => self,
        }
    }

    fn then(mut self, next: Self) -> Self {
        self.steps.extend(next.steps);
        self
    }

    /// `settings` tell whose backup it is.
    pub fn scope(&self, settings: &Settings) -> Scope {
        let has = |step| self.steps.contains(&step);
        let golden = [
            (Step::SaveCheckpoint, Golden::Make),
            (Step::ResetDatabase, Golden::Use),
            (Step::CompareWithCheckpoint, Golden::Use),
            (Step::OpenGolden, Golden::Look),
            (Step::CoolGolden, Golden::Cool),
        ];
        Scope {
            database: has(Step::StartJob),
            documents: has(Step::CopyDocuments),
            stops: has(Step::PauseArgo),
            backup: has(Step::StartDump).then_some(settings.wanted.side),
            from_backup: has(Step::StartReceiver),
            brings_documents: has(Step::BringDocuments),
            golden: golden.into_iter().find(|(step, _)| has(*step)).map(|(_, golden)| golden),
        }
    }

    /// # Errors
    /// The first step's that fails, with its number and title.
    pub async fn run(&self, cx: &mut Context<'_>) -> Result<()> {
        for (number, step) in (1..).zip(&self.steps) {
            let title = step.title();
            let usual = cx.usual(title);
            cx.report.event(Event::StepStarted { number, of: self.steps.len(), title, usual });
            cx.guard.at(title);
            let started = Instant::now();
            let ran = step.run(cx).await;
            let elapsed = started.elapsed();
            cx.summary.steps.push(Timing { step: title, seconds: elapsed.as_secs_f64() });
            ran.with_context(|| format!("failed at step {number}, {title}"))?;
            cx.report.event(Event::StepDone { title, elapsed });
        }
        Ok(())
    }
}
