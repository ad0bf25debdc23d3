//! The commands of the rehearsal loop: they come often, so they wait for each other, and ask all that can be asked at the same time.
use super::{Run, held_by};
use crate::cluster::Cluster;
use crate::cluster::lease::{Found, Holder, Taken};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::shutdown::Shutdown;
use crate::step::{preflight, rights};
use crate::summary::Summary;
use anyhow::{Result, bail};
use std::time::Duration;
use tokio::time::Instant;

/// How often a Lease may be lost to somebody faster before it is said.
const OUTRUN_AT_MOST: u32 = 100;

/// How long others' runs are waited for, counted from when the first of them is seen: who waits as long as a Lease lasts learns whether its
/// holder lives.
struct Patience {
    whole: Duration,
    ends: Option<Instant>,
}

impl Patience {
    fn left(&mut self) -> Duration {
        match self.ends {
            Some(ends) => ends.saturating_duration_since(Instant::now()),
            None => {
                self.ends = Some(Instant::now() + self.whole);
                self.whole
            }
        }
    }
}

impl Run<'_> {
    /// As every run: the rights, the preflight, the Lease, the plan. What a dead run left is put back first.
    pub(super) async fn rehearse(&self, plan: &Plan, summary: &mut Summary) -> Result<Outcome> {
        let mut shutdown = Shutdown::listen()?;
        let cluster = self.connect().await?;
        let mut patience = Patience { whole: self.settings.wanted.wait.unwrap_or_default(), ends: None };
        let namespace = &self.settings.sandbox.namespace;
        preflight::apart(self.settings)?;
        for _ in 0..OUTRUN_AT_MOST {
            let asked = async {
                tokio::join!(
                    rights::check(self.settings, &cluster, plan.scope(self.settings)),
                    preflight::check(self.settings, &cluster, plan.scope(self.settings)),
                    cluster.find_lease(&self.settings.sandbox.namespace)
                )
            };
            let (rights, found, other) = tokio::select! {
                signal = shutdown.requested() => return Err(signal.into()),
                asked = asked => asked,
            };
            rights?;
            // What another run does meanwhile is no fault of the sandbox: the preflight counts only without one.
            let other = match other? {
                Some(other) => other,
                None => {
                    let found = found?;
                    match cluster.take_lease(namespace, &self.holder(), &summary.command).await? {
                        Taken::Others(other) => other,
                        Taken::Mine(held) => {
                            summary.warnings = self.tell(&found);
                            return self.guarded(plan, &cluster, &mut shutdown, held, &found, summary).await;
                        }
                    }
                }
            };
            if let Some(outcome) = self.outlast(&cluster, &mut shutdown, other, patience.left()).await? {
                return Ok(outcome);
            }
        }
        bail!("the Lease is taken by somebody else all the time; nothing was changed")
    }

    /// Waits for another run's end. Gives an outcome only where what a dead one left could not be put back.
    async fn outlast(
        &self,
        cluster: &Cluster,
        shutdown: &mut Shutdown,
        other: Found,
        wait: Duration,
    ) -> Result<Option<Outcome>> {
        let namespace = &self.settings.sandbox.namespace;
        if wait > Duration::ZERO && !other.is_abandoned() {
            self.note(&format!("{}; waiting for up to {:.0?}", held_by(namespace, &other), wait));
        }
        let holder = tokio::select! {
            signal = shutdown.requested() => return Err(signal.into()),
            holder = cluster.outlast(other, wait) => holder?,
        };
        let dead = match holder {
            Holder::Released => return Ok(None),
            Holder::Alive(found) => bail!(
                "{}; nothing was changed: wait for its end, or let this wait for longer, as by `--wait 5m`",
                held_by(namespace, &found)
            ),
            Holder::Dead(found) => found,
        };
        match self.put_back(cluster, shutdown, dead).await {
            Ok(outcome) => Ok(Some(outcome).filter(|outcome| outcome.code() != 0)),
            Err(error) if error.is::<crate::cluster::lease::Outrun>() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
