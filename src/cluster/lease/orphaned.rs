//! A watchdog's wait: for the end of the Lease, or for that of its holder.
use super::{Cluster, Found, NAME};
use crate::cluster::watch::states;
use anyhow::{Context, Result};
use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::watcher;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The Lease as last seen, and when its holder counts as gone unless it renews it before.
struct Watched {
    found: Found,
    gone_at: Instant,
}

impl Watched {
    /// An abandoned Lease waits for nobody; a shorter patience than the Lease's own would take the living for dead.
    fn new(found: Found, patience: Duration) -> Self {
        let patience = if found.is_abandoned() { Duration::ZERO } else { patience.max(found.lasts()) };
        Self { found, gone_at: Instant::now() + patience }
    }

    fn followed_by(self, now: Found, patience: Duration) -> Self {
        let same = now.renewed() == self.found.renewed() && now.holder == self.found.holder;
        if same { Self { found: now, ..self } } else { Self::new(now, patience) }
    }
}

impl Cluster {
    /// Waits until the Lease is gone (`None`), or has not been renewed for so long by this machine's clock.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached when it matters.
    pub async fn orphaned(&self, namespace: &str, patience: Duration) -> Result<Option<Found>> {
        let config = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let mut leases = pin!(states(self.leases(namespace), config));
        let mut watched: Option<Watched> = None;
        loop {
            let gone_at = watched.as_ref().map(|watched| watched.gone_at);
            let (now, due) = tokio::select! {
                biased;
                state = leases.next() => {
                    let state = state.context("the watch of the Lease ended")??;
                    (state.get(NAME).map(|lease: &Lease| Found::new(lease.clone())), false)
                }
                // A watch may be silent because it is broken: only what the API server says now counts.
                () = due(gone_at) => (self.find_lease(namespace).await?, true),
            };
            let Some(now) = now else {
                return Ok(None);
            };
            let next = match watched {
                Some(watched) => watched.followed_by(now, patience),
                None => Watched::new(now, patience),
            };
            if due && next.gone_at <= Instant::now() {
                return Ok(Some(next.found));
            }
            watched = Some(next);
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
