//! Asking for the Lease, looking whether its holder lives, and taking it over from a dead one.
use super::{COMMAND, Found, Held, NAME, held_by, params};
use crate::cluster::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use anyhow::{Result, bail};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks at another's Lease; its holder renews it every ten seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// More runs than this do not end one after the other, each between a question and the next one.
const ASKED_AT_MOST: u32 = 10;

/// The answer to "may I have it?".
pub enum Taken {
    Mine(Held),
    Others(Found),
}

/// What has become of another's Lease while it was looked at.
pub enum Holder {
    /// It renewed the Lease, or somebody else has taken it.
    Alive(Found),
    /// It did neither for the whole duration.
    Dead(Found),
    /// The Lease is gone.
    Released,
}

/// Somebody else wrote the Lease of a dead holder first, or deleted it.
#[derive(Debug)]
pub struct Outrun;

impl std::fmt::Display for Outrun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("somebody else was faster with the Lease")
    }
}

impl std::error::Error for Outrun {}

impl Cluster {
    /// Creates the Lease, or says who has it. One that its holder lets go at that moment is asked for again.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached; Leases keep coming and going.
    pub async fn take_lease(&self, namespace: &str, holder: &str, command: &str) -> Result<Taken> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                namespace: Some(namespace.to_owned()),
                annotations: Some(BTreeMap::from([(COMMAND.to_owned(), command.to_owned())])),
                ..ObjectMeta::default()
            },
            spec: Some(held_by(holder)),
        };
        let what = format!("create Lease {namespace}/{NAME}");
        for _ in 0..ASKED_AT_MOST {
            match self.call(&what, self.leases(namespace).create(&params(), &lease)).await {
                Ok(lease) => return Ok(Taken::Mine(Held { lease })),
                Err(error) if refusal(&error) == Some(&Refusal::Conflict) => {}
                Err(error) => return Err(error),
            }
            match self.find_lease(namespace).await? {
                // The answer to our own first attempt was lost.
                Some(found) if found.holder == holder => return Ok(Taken::Mine(Held { lease: found.lease })),
                Some(found) => return Ok(Taken::Others(found)),
                None => {}
            }
        }
        bail!(
            "the Lease {namespace}/{NAME} came and went {ASKED_AT_MOST} times while it was asked for; nothing was changed"
        )
    }

    /// Looks at another's Lease until it is renewed, or has not been for its duration.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn watch_holder(&self, mut found: Found) -> Result<Holder> {
        let namespace = found.lease.metadata.namespace.clone().unwrap_or_default();
        let (first_seen, lasts) = (Instant::now(), found.lasts());
        while !found.is_abandoned() && first_seen.elapsed() < lasts {
            sleep(LOOK_EVERY.min(lasts)).await;
            match self.find_lease(&namespace).await? {
                None => return Ok(Holder::Released),
                Some(now) if now.renewed() != found.renewed() || now.holder != found.holder => {
                    return Ok(Holder::Alive(now));
                }
                Some(now) => found = now,
            }
        }
        Ok(Holder::Dead(found))
    }

    /// Takes over a dead holder's Lease, its journal with it.
    ///
    /// # Errors
    /// [`Outrun`]: somebody else was faster, or the holder lives after all.
    pub async fn take_over(&self, found: Found, holder: &str) -> Result<Held> {
        let mut lease = found.lease;
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        lease.spec = Some(LeaseSpec { lease_transitions: Some(transitions + 1), ..held_by(holder) });
        let mut held = Held { lease };
        let error = match self.replace_lease(&mut held).await {
            Ok(()) => return Ok(held),
            Err(error) => error,
        };
        // No catching up here: a conflict means that somebody else was faster, or that the holder lives; or else that the
        // answer to our own first attempt was lost.
        match refusal(&error) {
            Some(Refusal::Conflict | Refusal::NotFound) => match self.find_lease(held.namespace()).await? {
                Some(now) if now.holder == holder => Ok(Held { lease: now.lease }),
                _ => Err(error.context(Outrun)),
            },
            _ => Err(error.context("cannot take over the Lease")),
        }
    }
}
