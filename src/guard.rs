//! The bracket around a run: whatever ends it, what it changed is put back.
use crate::cluster::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::lease::{DURATION_SECONDS, Held, LeaseLost, NAME};
use crate::outcome::{Left, Outcome};
use crate::report::{Event, Report};
use crate::shutdown::Shutdown;
use crate::undo::Undo;
use anyhow::{Context, Error, Result, anyhow};
use futures::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Three renewals fit into the Lease's duration.
const RENEW_EVERY: Duration = Duration::from_secs(DURATION_SECONDS as u64 / 3);
/// An API server that restarts is back within this; a CI runner kills later than this.
const UNDO_LIMIT: Duration = Duration::from_secs(60);
const UNDO_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Holds the Lease and the journal while a body runs.
pub struct Guard<'a> {
    cluster: &'a Cluster,
    report: &'a dyn Report,
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
        let guard = Self::new(cluster, report, held);
        let ended = tokio::select! {
            biased;
            signal = shutdown.requested() => Err(signal.into()),
            lost = guard.keep_renewing() => Err(lost),
            ended = AssertUnwindSafe(body(&guard)).catch_unwind() => ended.unwrap_or_else(|panic| Err(bug(&*panic))),
        };
        // select! has dropped `body`: nothing of it runs from here on.
        guard.unwind(ended.err(), shutdown).await
    }

    fn new(cluster: &'a Cluster, report: &'a dyn Report, held: Held) -> Self {
        Self { cluster, report, journal: Mutex::default(), held: tokio::sync::Mutex::new(held) }
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
    /// An undo's own; it stays in the journal.
    pub async fn settle(&self, which: impl Fn(&Undo) -> bool) -> Result<()> {
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

    async fn unwind(&self, cause: Option<Error>, shutdown: &mut Shutdown) -> Outcome {
        let mut left = Vec::new();
        if cause.as_ref().is_some_and(|cause| cause.is::<LeaseLost>())
            && let Some(holder) = self.taken_by_another().await
        {
            left = self.leave_all(&format!("{holder} has the Lease now and plays the journal back"));
            return Outcome { cause, left };
        }
        loop {
            let Some(undo) = self.journal().last().cloned() else {
                break;
            };
            let undone = tokio::select! {
                biased;
                signal = shutdown.requested() => {
                    left.extend(self.leave_all(&format!("{signal} again")));
                    break;
                }
                undone = persist(&undo, self.cluster) => undone,
            };
            self.strike(&undo);
            self.report.event(Event::Undone { undo: &undo, error: undone.as_ref().err() });
            left.extend(undone.err().map(|error| leave(&undo, error)));
        }
        self.let_go(&mut left).await;
        Outcome { cause, left }
    }

    /// Everything that is still in the journal, as left behind.
    fn leave_all(&self, why: &str) -> Vec<Left> {
        let undos = std::mem::take(&mut *self.journal());
        undos.iter().rev().map(|undo| leave(undo, anyhow!("{why}"))).collect()
    }

    async fn taken_by_another(&self) -> Option<String> {
        let held = self.held.lock().await;
        let namespace = held.namespace().to_owned();
        let found = self.cluster.find_lease(&namespace).await.ok().flatten()?;
        (found.holder != held.holder()).then_some(found.holder)
    }

    /// Deletes the Lease, unless something is left: then its journal stays for `recover`.
    async fn let_go(&self, left: &mut Vec<Left>) {
        let mut held = self.held.lock().await;
        let namespace = held.namespace().to_owned();
        let started = Instant::now();
        let released = loop {
            let released = match left.is_empty() {
                true => self.cluster.release(&mut held).await,
                false => self.cluster.abandon(&mut held).await,
            };
            match released {
                Err(error) if may_pass(&error) && started.elapsed() < UNDO_LIMIT => sleep(UNDO_AGAIN_AFTER).await,
                released => break released,
            }
        };
        if let Err(error) = released {
            let what = format!("no Lease {namespace}/{NAME}");
            self.report.event(Event::Undone { undo: &what, error: Some(&error) });
            left.push(Left { by_hand: format!("kubectl -n {namespace} delete lease {NAME}"), what, error });
        }
    }
}

fn leave(undo: &Undo, error: Error) -> Left {
    Left { what: undo.to_string(), by_hand: undo.by_hand(), error }
}

/// Tries again while the trouble may pass: an undo that gives up too early strands the sandbox.
async fn persist(undo: &Undo, cluster: &Cluster) -> Result<()> {
    let started = Instant::now();
    loop {
        let error = match undo.run(cluster).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !may_pass(&error) || started.elapsed() > UNDO_LIMIT {
            return Err(error);
        }
        tracing::warn!("{undo}: {error:#}; trying again");
        sleep(UNDO_AGAIN_AFTER).await;
    }
}

fn may_pass(error: &Error) -> bool {
    !error.is::<LeaseLost>() && matches!(refusal(error), Some(Refusal::Passing | Refusal::Conflict) | None)
}

fn bug(panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    anyhow!("a bug in this program: {words}")
}

/// The safety net for a bracket that was itself dropped (a cancelled future, a bug): on a thread of its own,
/// with its own runtime and connections, so that it works inside and outside of tokio.
impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let undos = std::mem::take(self.journal.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
        if undos.is_empty() {
            return;
        }
        let (cluster, report) = (self.cluster, self.report);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let undone = on_own_runtime(cluster, report, &undos);
                if let Err(error) = undone {
                    for undo in undos.iter().rev() {
                        report.event(Event::Undone { undo, error: Some(&error) });
                    }
                }
            });
        });
    }
}

fn on_own_runtime(cluster: &Cluster, report: &dyn Report, undos: &[Undo]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = cluster.reconnect().await?;
        for undo in undos.iter().rev() {
            let undone = persist(undo, &cluster).await;
            report.event(Event::Undone { undo, error: undone.as_ref().err() });
        }
        Ok(())
    })
}

/// Plays back the journal that a dead run left in its Lease, before anything else is done with it.
///
/// # Errors
/// The journal cannot be read, a signal came, or an undo failed; the Lease keeps the journal.
pub async fn recover(cluster: &Cluster, report: &dyn Report, shutdown: &mut Shutdown, journal: &str) -> Result<()> {
    let undos: Vec<Undo> = serde_json::from_str(journal).context("cannot read the journal in the Lease")?;
    for undo in undos.iter().rev() {
        let undone = tokio::select! {
            biased;
            signal = shutdown.requested() => Err(signal.into()),
            undone = persist(undo, cluster) => undone,
        };
        report.event(Event::Undone { undo, error: undone.as_ref().err() });
        undone?;
    }
    Ok(())
}
