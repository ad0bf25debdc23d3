//! The bracket around a run: whatever ends it, what it changed is put back.
mod last_resort;
mod patience;

use crate::cluster::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::lease::{DURATION_SECONDS, Held, LeaseLost, NAME};
use crate::outcome::{Left, Outcome};
use crate::report::{Event, Report};
use crate::shutdown::{Interrupted, Shutdown};
use crate::undo::Undo;
use anyhow::{Context, Error, Result, anyhow};
use futures::FutureExt;
use patience::Patience;
use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::sleep;

/// Three renewals fit into the Lease's duration.
const RENEW_EVERY: Duration = Duration::from_secs(DURATION_SECONDS as u64 / 3);
const UNDO_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Holds the Lease and the journal while a body runs.
pub struct Guard<'a> {
    cluster: &'a Cluster,
    report: &'a dyn Report,
    namespace: String,
    journal: Mutex<Vec<Undo>>,
    /// Its lock is held over a write, so that the journal and the renewal never race.
    held: tokio::sync::Mutex<Held>,
}

impl<'a> Guard<'a> {
    /// Runs `body`; on every way out of it (return, `?`, panic, signal, lost Lease) plays the journal back,
    /// newest first, and lets the Lease go.
    pub async fn around(
        cluster: &'a Cluster,
        report: &'a dyn Report,
        shutdown: &mut Shutdown,
        held: Held,
        body: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> Outcome {
        let guard = Self::new(cluster, report, held, Vec::new());
        let ended = tokio::select! {
            biased;
            signal = shutdown.requested() => Err(signal.into()),
            lost = guard.keep_renewing() => Err(lost),
            ended = AssertUnwindSafe(body(&guard)).catch_unwind() => ended.unwrap_or_else(|panic| Err(bug(&*panic))),
        };
        // select! has dropped `body`: nothing of it runs from here on.
        guard.unwind(ended.err(), shutdown).await
    }

    /// Plays back the journal that a dead run left in its Lease, now `held` by this one, and lets the Lease go.
    pub async fn recover(
        cluster: &'a Cluster,
        report: &'a dyn Report,
        shutdown: &mut Shutdown,
        held: Held,
        journal: Vec<Undo>,
    ) -> Outcome {
        Self::new(cluster, report, held, journal).unwind(None, shutdown).await
    }

    fn new(cluster: &'a Cluster, report: &'a dyn Report, held: Held, journal: Vec<Undo>) -> Self {
        let namespace = held.namespace().to_owned();
        Self { cluster, report, namespace, journal: Mutex::new(journal), held: tokio::sync::Mutex::new(held) }
    }

    /// To be called before a change is made: writes its undo into the journal and the journal into the Lease.
    ///
    /// # Errors
    /// [`LeaseLost`], or the Lease cannot be written: then the change must not be made.
    pub async fn before_change(&self, undo: Undo) -> Result<()> {
        self.journal().push(undo);
        self.write_journal().await.context("cannot write the undo journal, so nothing was changed")
    }

    /// Runs the undos that `which` picks, newest first, and strikes them out: the regular way to put back.
    ///
    /// # Errors
    /// An undo's own, and it stays in the journal; [`LeaseLost`], and nothing was done.
    pub async fn settle(&self, which: impl Fn(&Undo) -> bool) -> Result<()> {
        // Another's run may be under way by now, if this one has slept.
        self.prove_lease().await?;
        loop {
            let next = self.journal().iter().rev().find(|undo| which(undo)).cloned();
            let Some(undo) = next else { break };
            undo.run(self.cluster).await?;
            self.strike(&undo);
        }
        self.write_journal().await
    }

    /// Proves that the Lease is still this run's, by renewing it.
    ///
    /// # Errors
    /// [`LeaseLost`], or the API server cannot be reached.
    pub async fn prove_lease(&self) -> Result<()> {
        self.cluster.renew(&mut *self.held.lock().await).await
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Vec<Undo>> {
        self.journal.lock().expect("no panic while the lock is held")
    }

    fn strike(&self, done: &Undo) {
        self.journal().retain(|undo| undo != done);
    }

    async fn write_journal(&self) -> Result<()> {
        let journal = self.journal().clone();
        let text = (!journal.is_empty()).then(|| serde_json::to_string(&journal)).transpose()?;
        self.cluster.write_journal(&mut *self.held.lock().await, text).await
    }

    /// Ends only when the Lease is lost; an API server that is away for a while is none of that.
    async fn keep_renewing(&self) -> Error {
        loop {
            sleep(RENEW_EVERY).await;
            match self.prove_lease().await {
                Err(error) if error.is::<LeaseLost>() => return error,
                Err(error) => tracing::warn!("cannot renew the Lease: {error:#}"),
                Ok(()) => tracing::debug!("renewed the Lease"),
            }
        }
    }

    /// Plays the journal back, newest first, and lets the Lease go; a signal, or somebody else with the Lease, ends it early.
    async fn unwind(&self, cause: Option<Error>, shutdown: &mut Shutdown) -> Outcome {
        let mut left = Vec::new();
        let taken = self.taken_by_another().await;
        let stopped = match taken {
            Some(why) => Some(Stop::LeaseLost(why)),
            None => tokio::select! {
                biased;
                signal = shutdown.requested() => Some(Stop::Signal(signal)),
                why = self.keep_lease() => Some(Stop::LeaseLost(why)),
                () = self.play_back(&mut left) => None,
            },
        };
        if let Some(stopped) = &stopped {
            left.extend(self.leave_all(stopped));
        }
        let rest: Vec<Undo> = left.iter().rev().map(|(undo, _)| undo.clone()).collect();
        let mut left: Vec<Left> = left.into_iter().map(|(_, left)| left).collect();
        if !matches!(stopped, Some(Stop::LeaseLost(_))) {
            let released = tokio::select! {
                biased;
                released = self.let_go(&rest) => released,
                signal = shutdown.requested() => Err(anyhow!(Stop::Signal(signal))),
            };
            left.extend(released.err().map(|error| self.lease_left(error)));
        }
        Outcome { cause, left }
    }

    async fn play_back(&self, left: &mut Vec<(Undo, Left)>) {
        loop {
            let Some(undo) = self.journal().last().cloned() else { break };
            let undone = persist(&undo, self.cluster).await;
            self.strike(&undo);
            if let Err(error) = &undone
                && refusal(error) == Some(&Refusal::NotFound)
            {
                let text = format!("somebody deleted it meanwhile, so nothing is left to put back: {undo} ({error:#})");
                self.report.event(Event::Warning { text: &text });
                continue;
            }
            self.report.event(Event::Undone { undo: &undo, error: undone.as_ref().err() });
            left.extend(undone.err().map(|error| leave(undo, error)));
        }
    }

    /// Renews while the journal is played back. Ends when somebody else has the Lease: two that put back at once, or one
    /// that puts back under another's run, would harm.
    async fn keep_lease(&self) -> String {
        loop {
            let lost = self.keep_renewing().await;
            if let Some(why) = self.taken_by_another().await {
                return why;
            }
            // Deleted: nobody else would put back.
            tracing::warn!("{lost}; putting back goes on");
        }
    }

    /// Who has the Lease if this run has it no more, and what that means for the journal.
    async fn taken_by_another(&self) -> Option<String> {
        if self.journal().is_empty() {
            return None;
        }
        let held = self.held.lock().await;
        let found = self.cluster.find_lease(held.namespace()).await.ok().flatten()?;
        let holder = &found.holder;
        match holder == held.holder() {
            true => None,
            false if found.continues(&held) => Some(format!("{holder} has the Lease now, and plays its journal back")),
            false => Some(format!("{holder} has the Lease now, and knows nothing of this run's journal")),
        }
    }

    /// Everything that is still in the journal, as left behind, newest first.
    fn leave_all(&self, why: &Stop) -> Vec<(Undo, Left)> {
        let undos = std::mem::take(&mut *self.journal());
        undos.into_iter().rev().map(|undo| leave(undo, anyhow!("{why}"))).collect()
    }

    /// Deletes the Lease, unless there is a rest: then it stays with that as its journal, for `recover`.
    async fn let_go(&self, rest: &[Undo]) -> Result<()> {
        let mut held = self.held.lock().await;
        let mut patience = Patience::new();
        loop {
            let released = match rest {
                [] => self.cluster.release(&mut held).await,
                rest => self.cluster.abandon(&mut held, serde_json::to_string(rest)?).await,
            };
            match released {
                Err(error) if patience.allows_for(&error) => sleep(UNDO_AGAIN_AFTER).await,
                // Deleted by somebody.
                Err(error) if error.is::<LeaseLost>() && rest.is_empty() => return Ok(()),
                released => return released,
            }
        }
    }

    fn lease_left(&self, error: Error) -> Left {
        let what = format!("no Lease {}/{NAME}", self.namespace);
        self.report.event(Event::Undone { undo: &what, error: Some(&error) });
        Left { by_hand: format!("kubectl -n {} delete lease {NAME}", self.namespace), what, error }
    }
}

/// Why putting back ended before its end.
#[derive(Debug)]
enum Stop {
    Signal(Interrupted),
    LeaseLost(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "{signal} again"),
            Self::LeaseLost(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

fn leave(undo: Undo, error: Error) -> (Undo, Left) {
    let left = Left { what: undo.to_string(), by_hand: undo.by_hand(), error };
    (undo, left)
}

/// Tries again while the trouble may pass: an undo that gives up too early strands the sandbox.
async fn persist(undo: &Undo, cluster: &Cluster) -> Result<()> {
    let mut patience = Patience::new();
    loop {
        let error = match undo.run(cluster).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !patience.allows_for(&error) {
            return Err(error);
        }
        tracing::warn!("{undo}: {error:#}; trying again");
        sleep(UNDO_AGAIN_AFTER).await;
    }
}

fn bug(panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    anyhow!("a bug in this program: {words}")
}
