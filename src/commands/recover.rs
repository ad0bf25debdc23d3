//! `recover`, and what a run does first: putting back what a dead run left.
use super::{Run, held_by};
use crate::cli::{Output, program};
use crate::cluster::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::lease::{Found, Holder, NAME, Outrun};
use crate::guard::Guard;
use crate::outcome::Outcome;
use crate::report;
use crate::settings::Environment;
use crate::shutdown::Shutdown;
use crate::step::rights;
use crate::summary::Summary;
use crate::undo::Undo;
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::time::Duration;

/// Each time somebody else has put back, or begun to.
const OUTRUN_AT_MOST: u32 = 5;

impl Run<'_> {
    pub(super) async fn recover(&self, force: bool) -> Result<Outcome> {
        let mut shutdown = Shutdown::listen()?;
        let cluster = self.connect().await?;
        let recovered = self.recover_from_the_dead(&cluster, &mut shutdown, force).await?;
        match recovered {
            Some(outcome) => Ok(outcome),
            None => self.nothing_left(&cluster).await,
        }
    }

    /// `--dry-run`: who holds the Lease, and what would be put back; nobody is watched, and nothing is changed.
    pub(super) async fn would_recover(&self, output: Output, summary: &mut Summary) -> Result<Outcome> {
        let cluster = self.connect().await?;
        let namespace = &self.settings.sandbox.namespace;
        let Some(found) = cluster.find_lease(namespace).await? else {
            return self.nothing_left(&cluster).await;
        };
        let journal = self.journal(&cluster, &found).await?;
        let undos = Undo::told(&journal);
        let text = match output {
            Output::Json => serde_json::to_string_pretty(&json!({
                "command": summary.command, "dry_run": true, "outcome": "done", "holder": found.holder, "would_put_back": undos,
            }))?,
            Output::Text if undos.is_empty() => format!("{}\nnothing would be put back", held_by(namespace, &found)),
            Output::Text => {
                let undos = undos.iter().map(|undo| format!("\nwould put back: {undo}"));
                undos.fold(held_by(namespace, &found), |text, undo| text + &undo)
            }
        };
        report::result(&text).context("cannot write what would be put back")?;
        summary.told = true;
        self.note("nothing was changed");
        Ok(Outcome::default())
    }

    /// Where there is no application either, it is the wrong place that was looked at.
    async fn nothing_left(&self, cluster: &Cluster) -> Result<Outcome> {
        let Environment { namespace, deployment, .. } = &self.settings.sandbox;
        if let Err(error) = cluster.deployment(namespace, deployment).await {
            match refusal(&error) {
                Some(Refusal::NotFound) => bail!(
                    "there is no Lease {namespace}/{NAME}, and no Deployment {namespace}/{deployment} either: see \
                     --sandbox-namespace and --sandbox-deployment; nothing was changed"
                ),
                _ => return Err(error.context(format!("there is no Lease {namespace}/{NAME}, but"))),
            }
        }
        self.note(&format!("no Lease {namespace}/{NAME}: no run has left anything behind"));
        Ok(Outcome::default())
    }

    /// # Errors
    /// It cannot be read, or no run has written it.
    async fn journal(&self, cluster: &Cluster, left: &Found) -> Result<Vec<Undo>> {
        let namespace = &self.settings.sandbox.namespace;
        let journal = Undo::journal(left.journal.as_deref(), namespace).with_context(|| {
            format!(
                "cannot read the journal in the Lease {namespace}/{NAME} (written by a newer version?), so {}",
                self.by_hand()
            )
        })?;
        self.is_of_the_sandbox(cluster, &journal).await?;
        Ok(journal)
    }

    fn by_hand(&self) -> String {
        let namespace = &self.settings.sandbox.namespace;
        format!(
            "nothing was changed: see it by `kubectl -n {namespace} get lease {NAME} -o yaml`, put back by hand what is true of it, and \
             then `kubectl -n {namespace} delete lease {NAME}`"
        )
    }

    /// Puts back what a run left that is dead, or is taken for dead by `force`. `None` when there is no Lease.
    pub(super) async fn recover_from_the_dead(
        &self,
        cluster: &Cluster,
        shutdown: &mut Shutdown,
        force: bool,
    ) -> Result<Option<Outcome>> {
        let namespace = &self.settings.sandbox.namespace;
        for _ in 0..OUTRUN_AT_MOST {
            let Some(found) = cluster.find_lease(namespace).await? else {
                return Ok(None);
            };
            let dead = match force {
                true => found,
                false => match self.watch_holder(cluster, shutdown, found).await? {
                    Holder::Dead(found) => found,
                    Holder::Released => return Ok(None),
                    Holder::Alive(found) => bail!(
                        "{}; it is alive, so nothing was changed: wait for its end, then run this again; only if its process is known \
                         to be dead, `{} recover --force`",
                        held_by(namespace, &found),
                        program()
                    ),
                },
            };
            match self.put_back(cluster, shutdown, dead).await {
                // Somebody else puts back at this moment (a watchdog, another `recover`), or has just done so: looked at anew.
                Err(error) if error.is::<Outrun>() => self.note(&format!("{error:#}")),
                ended => return ended.map(Some),
            }
        }
        bail!("the Lease {namespace}/{NAME} is written by somebody else all the time; nothing was changed")
    }

    /// What a watchdog does: nothing, unless the holder of the Lease goes without a sign of life for `patience`.
    pub(super) async fn stand_by(&self, patience: Duration) -> Result<Outcome> {
        let mut shutdown = Shutdown::listen()?;
        let cluster = self.connect().await?;
        for _ in 0..OUTRUN_AT_MOST {
            match self.watch_over(&cluster, &mut shutdown, patience).await {
                Err(error) if error.is::<Outrun>() => self.note(&format!("{error:#}")),
                ended => return ended,
            }
        }
        bail!("the Lease is written by somebody else all the time; nothing was changed")
    }

    async fn watch_over(&self, cluster: &Cluster, shutdown: &mut Shutdown, patience: Duration) -> Result<Outcome> {
        let namespace = &self.settings.sandbox.namespace;
        let orphaned = tokio::select! {
            signal = shutdown.requested() => return Err(signal.into()),
            orphaned = async {
                rights::check_recovery(self.settings, cluster).await?;
                self.note(&format!("watching the Lease {namespace}/{NAME}"));
                cluster.orphaned(namespace, patience).await
            } => orphaned?,
        };
        match orphaned {
            Some(dead) => self.put_back(cluster, shutdown, dead).await,
            None => {
                self.note(&format!("the Lease {namespace}/{NAME} is gone: nothing is left to put back"));
                Ok(Outcome::default())
            }
        }
    }

    pub(super) async fn put_back(&self, cluster: &Cluster, shutdown: &mut Shutdown, dead: Found) -> Result<Outcome> {
        self.note(&format!("{} is gone; putting back what it left", dead.holder));
        let journal = self.journal(cluster, &dead).await?;
        let holder = dead.holder.clone();
        let held = cluster.take_over(dead, &self.holder()).await?;
        let outcome = Guard::recover(cluster, self.report, shutdown, held, journal).await;
        if outcome.code() == 0 {
            self.note(&match outcome.put_back.len() {
                0 => format!("{holder} had left nothing to put back; its Lease is gone"),
                some => format!("all that {holder} left is put back ({some} undone); its Lease is gone"),
            });
        }
        Ok(outcome)
    }

    /// No run pauses an Application that deploys elsewhere: a journal that would resume one was written by somebody else.
    async fn is_of_the_sandbox(&self, cluster: &Cluster, journal: &[Undo]) -> Result<()> {
        let sandbox = &self.settings.sandbox.namespace;
        for (namespace, name) in journal.iter().filter_map(Undo::application) {
            // One that is gone, or cannot be read: its undo says so.
            let Ok(application) = cluster.application(namespace, name).await else { continue };
            if application.destination_namespace.as_deref() != Some(sandbox.as_str()) {
                bail!(
                    "the journal in the Lease {sandbox}/{NAME} names Application {namespace}/{name}, which does not deploy to \
                     {sandbox}; no run has written that, so {}",
                    self.by_hand()
                );
            }
        }
        Ok(())
    }

    async fn watch_holder(&self, cluster: &Cluster, shutdown: &mut Shutdown, found: Found) -> Result<Holder> {
        if !found.is_abandoned() {
            let (holder, seconds) = (&found.holder, found.lasts().as_secs());
            self.note(&format!("watching for up to {seconds} s whether {holder} still renews its Lease"));
        }
        tokio::select! {
            signal = shutdown.requested() => Err(signal.into()),
            watched = cluster.watch_holder(found) => watched,
        }
    }
}
