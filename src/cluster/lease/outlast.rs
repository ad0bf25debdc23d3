//! Waiting for another run's end, or for what shows that it is dead.
use super::{Cluster, Found, Holder};
use anyhow::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A run that is waited for may last no longer than a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Cluster {
    /// Looks at another's Lease until it is gone, its holder is seen to be dead, or the limit is reached: then the holder counts
    /// as alive.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn outlast(&self, mut found: Found, limit: Duration) -> Result<Holder> {
        let namespace = found.lease.metadata.namespace.clone().unwrap_or_default();
        let started = Instant::now();
        let mut seen = started;
        loop {
            if found.is_abandoned() || seen.elapsed() >= found.lasts() {
                return Ok(Holder::Dead(found));
            }
            if started.elapsed() >= limit {
                return Ok(Holder::Alive(found));
            }
            sleep(LOOK_EVERY.min(limit)).await;
            match self.find_lease(&namespace).await? {
                None => return Ok(Holder::Released),
                Some(now) => {
                    if now.renewed() != found.renewed() || now.holder != found.holder {
                        seen = Instant::now();
                    }
                    found = now;
                }
            }
        }
    }
}
