//! The bracket around a run: whatever ends it, what it changed is put back.
mod last_resort;
mod patience;
mod unwind;

use crate::cluster::Cluster;
use crate::cluster::lease::{DURATION_SECONDS, Held, LeaseLost};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::shutdown::{Interrupted, Shutdown};
use crate::undo::Undo;
use anyhow::{Context, Error, Result, anyhow};
use futures::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// Three renewals fit into the Lease's duration.
const RENEW_EVERY: Duration = Duration::from_secs(DURATION_SECONDS as u64 / 3);

/// Holds the Lease and the journal while a body runs.
pub struct Guard<'a> {
    cluster: &'a Cluster,
    report: &'a dyn Report,
    namespace: String,
    journal: Mutex<Vec<Undo>>,
    /// For whoever looks at the Lease.
    step: Mutex<&'static str>,
    /// Its lock is held over a write, so that the journal and the renewal never race.
    held: tokio::sync::Mutex<Held>,
    /// It was unwound to its end: nothing is left for the last resort.
    over: AtomicBool,
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
        let cause = ended.err();
        let spared = if cause.as_ref().is_some_and(|cause| cause.is::<Interrupted>()) { 0 } else { 1 };
        guard.unwind(cause, shutdown, spared).await
    }

    /// Plays back the journal that a dead run left in its Lease, now `held` by this one, and lets the Lease go.
    pub async fn recover(
        cluster: &'a Cluster,
        report: &'a dyn Report,
        shutdown: &mut Shutdown,
        held: Held,
        journal: Vec<Undo>,
    ) -> Outcome {
        Self::new(cluster, report, held, journal).unwind(None, shutdown, 0).await
    }

    fn new(cluster: &'a Cluster, report: &'a dyn Report, held: Held, journal: Vec<Undo>) -> Self {
        let namespace = held.namespace().to_owned();
        let (journal, step) = (Mutex::new(journal), Mutex::new("putting back"));
        let (held, over) = (tokio::sync::Mutex::new(held), AtomicBool::new(false));
        Self { cluster, report, namespace, journal, step, held, over }
    }

    /// To be called before a change is made: writes its undo into the journal and the journal into the Lease.
    ///
    /// # Errors
    /// [`LeaseLost`], or the Lease cannot be written: then the change must not be made.
    pub async fn before_change(&self, undo: Undo) -> Result<()> {
        self.before_next_attempt(None, undo).await
    }

    /// As [`Guard::before_change`], when the change was refused because its object had become another one: in place of what was
    /// journalled for that attempt.
    ///
    /// # Errors
    /// As [`Guard::before_change`].
    pub async fn before_next_attempt(&self, refused: Option<&Undo>, undo: Undo) -> Result<()> {
        {
            let mut journal = self.journal();
            journal.retain(|journalled| Some(journalled) != refused);
            journal.push(undo);
        }
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

    /// Strikes out the undos that `which` picks without running them: what was changed is to stay from now on.
    ///
    /// # Errors
    /// [`LeaseLost`], or the Lease cannot be written; then they stand in it still.
    pub async fn let_stand(&self, which: impl Fn(&Undo) -> bool) -> Result<()> {
        self.journal().retain(|undo| !which(undo));
        self.write_journal().await
    }

    /// The Lease's uid, for an object that is to go with it.
    pub async fn lease(&self) -> String {
        self.held.lock().await.uid().to_owned()
    }

    /// Proves that the Lease is still this run's, by renewing it.
    ///
    /// # Errors
    /// [`LeaseLost`], or the API server cannot be reached.
    pub async fn prove_lease(&self) -> Result<()> {
        self.cluster.renew(&mut *self.telling().await).await
    }

    /// Where the run is from now on; the Lease says so from its next write on, no request is made for it.
    pub fn at(&self, step: &'static str) {
        *self.step.lock().expect("no panic while the lock is held") = step;
    }

    async fn telling(&self) -> tokio::sync::MutexGuard<'_, Held> {
        let mut held = self.held.lock().await;
        held.tell(*self.step.lock().expect("no panic while the lock is held"));
        held
    }

    /// Who this run is, as the Lease names it.
    pub async fn holder(&self) -> String {
        self.held.lock().await.holder().to_owned()
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
        self.cluster.write_journal(&mut *self.telling().await, text).await
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
}

fn bug(panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    anyhow!("a bug in this program: {words}")
}
