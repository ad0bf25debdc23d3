//! The end of a bracket: the journal is played back, newest first, and the Lease let go.
use super::patience::Patience;
use super::{Guard, Ordering};
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::lease::{LeaseLost, NAME};
use crate::outcome::{Left, Outcome};
use crate::report::Event;
use crate::shutdown::{Interrupted, Shutdown};
use crate::undo::Undo;
use anyhow::{Error, Result, anyhow};
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;

/// When what another run may have put back is to be put back by hand.
const AFTERWARDS: &str = "not before that run has ended, and only if `status` shows it even then";
const UNDO_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Guard<'_> {
    /// Plays the journal back and lets the Lease go; somebody else with the Lease ends it early, and so does a signal, but for
    /// `spared` ones: whoever wants a run to end has what they want. What was not put back stays in the journal.
    pub(super) async fn unwind(&self, cause: Option<Error>, shutdown: &mut Shutdown, mut spared: u8) -> Outcome {
        self.at("putting back");
        let putting_back = cause.is_some() && !self.journal().is_empty();
        if putting_back {
            self.report.event(Event::PuttingBack);
        }
        let mut end = Outcome { cause, ..Outcome::default() };
        let taken = self.taken_by_another().await;
        let stopped = match taken {
            Some(why) => Some(Stop::LeaseLost(why)),
            None => tokio::select! {
                biased;
                signal = self.told_to_stop(shutdown, &mut spared) => Some(Stop::Signal(signal)),
                why = self.keep_lease() => Some(Stop::LeaseLost(why)),
                stopped = self.play_back(&mut end) => stopped,
            },
        };
        if let Some(stopped) = &stopped {
            self.leave_the_rest(&mut end, stopped);
        }
        if !matches!(stopped, Some(Stop::LeaseLost(_))) {
            let released = tokio::select! {
                biased;
                released = self.let_go() => released,
                signal = self.told_to_stop(shutdown, &mut spared) => Err(anyhow!(Stop::Signal(signal))),
            };
            end.left.extend(released.err().map(|error| self.lease_left(error)));
        }
        self.over.store(true, Ordering::Relaxed);
        if putting_back {
            self.report.event(Event::PutBack);
        }
        end
    }

    async fn told_to_stop(&self, shutdown: &mut Shutdown, spared: &mut u8) -> Interrupted {
        loop {
            let signal = shutdown.requested().await;
            if signal == Interrupted::Sighup {
                // Nobody asks for anything by it: a terminal has gone.
                continue;
            }
            let Some(left) = spared.checked_sub(1) else { return signal };
            *spared = left;
            let text = format!("{signal}: all is being put back already; another signal ends that");
            self.report.event(Event::Note { text: &text });
        }
    }

    /// Ends early when somebody else has the Lease.
    async fn play_back(&self, end: &mut Outcome) -> Option<Stop> {
        let journal = self.journal().clone();
        for undo in journal.into_iter().rev() {
            match self.persist(&undo).await {
                Ok(()) => {
                    let done = undo.done();
                    // A Job stands twice in a journal, and is told once.
                    if !end.put_back.contains(&done) {
                        self.report.event(Event::Undone { undo: &done, done: true });
                        end.put_back.push(done);
                    }
                }
                Err(error) if refusal(&error) == Some(&Refusal::NotFound) => {
                    let text =
                        format!("somebody deleted it meanwhile, so nothing is left to put back: {undo} ({error:#})");
                    self.report.event(Event::Warning { text: &text });
                }
                Err(error) if error.is::<Stop>() => return error.downcast().ok(),
                Err(error) => {
                    self.report.event(Event::Undone { undo: &undo, done: false });
                    if end.left.iter().all(|left| left.what != undo.to_string()) {
                        end.left.push(leave(&undo, error));
                    }
                    continue;
                }
            }
            self.strike(&undo);
        }
        None
    }

    /// Tries again while the trouble may pass: an undo that gives up too early strands the sandbox.
    ///
    /// # Errors
    /// The last trouble; or [`Stop`], and nothing was tried.
    async fn persist(&self, undo: &Undo) -> Result<()> {
        let mut patience = Patience::new();
        loop {
            self.still_holds().await?;
            let error = match undo.run(self.cluster).await {
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

    /// This run may have slept since it last knew, a laptop closed or its network away, and another one may be at work by now. A Lease
    /// that was merely deleted hinders nothing, nor does a server that does not answer: the undo itself will tell.
    async fn still_holds(&self) -> Result<(), Stop> {
        match self.prove_lease().await {
            Err(error) if error.is::<LeaseLost>() => match self.taken_by_another().await {
                Some(why) => Err(Stop::LeaseLost(why)),
                None => Ok(()),
            },
            _ => Ok(()),
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

    /// What is still in the journal, and not told of yet, is left behind, newest first.
    fn leave_the_rest(&self, end: &mut Outcome, why: &Stop) {
        for undo in self.journal().iter().rev() {
            if end.left.iter().all(|left| left.what != undo.to_string()) {
                let left = leave(undo, anyhow!("{why}"));
                end.left.push(match why {
                    Stop::Signal(_) => left,
                    // To do it now would harm that run, which has most likely put it back.
                    Stop::LeaseLost(_) => Left { by_hand: format!("{AFTERWARDS}: {}", left.by_hand), ..left },
                });
            }
        }
    }

    /// Deletes the Lease, unless there is a rest: then it stays with that as its journal, for `recover`.
    async fn let_go(&self) -> Result<()> {
        let rest = self.journal().clone();
        let mut held = self.held.lock().await;
        let mut patience = Patience::new();
        loop {
            let released = match &rest[..] {
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
        let what = format!("Lease {}/{NAME} is to be removed", self.namespace);
        self.report.event(Event::Undone { undo: &what, done: false });
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

pub(super) fn leave(undo: &Undo, error: Error) -> Left {
    Left { what: undo.to_string(), by_hand: undo.by_hand(), error }
}
