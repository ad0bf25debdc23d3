//! The Lease: the lock of a sandbox, and the place where the undo journal survives its run.
//!
//! Clocks of different machines are never compared, as in client-go's leader election: a holder is dead when whoever asks has
//! seen no renewal for the Lease's duration by its own monotonic clock. Times in the Lease are for people.
mod orphaned;
mod outlast;
mod taking;
mod told;

pub use taking::{Holder, Outrun, Taken};

use super::failure::{Refusal, refusal};
use super::{Cluster, FIELD_MANAGER, gone};
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use std::time::Duration;

/// The one name: a sandbox has one lock.
pub const NAME: &str = "sandbox-lifecycle";
/// Seconds without a renewal after which a holder counts as dead.
pub const DURATION_SECONDS: i32 = 30;
/// Each loses only against somebody who writes to this run's Lease meanwhile.
const ATTEMPTS: usize = 5;
const JOURNAL: &str = "sandbox-lifecycle/journal";
const COMMAND: &str = "sandbox-lifecycle/command";

/// A Lease as it was when this run last wrote it; every write compares with it.
#[derive(Clone)]
pub struct Held {
    lease: Lease,
}

impl Held {
    /// What the cluster knows it by; an object that it owns goes with it.
    pub fn uid(&self) -> &str {
        self.lease.metadata.uid.as_deref().unwrap_or_default()
    }

    pub fn namespace(&self) -> &str {
        self.lease.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub fn holder(&self) -> &str {
        self.lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
    }
}

/// What was there when a run wanted the Lease.
pub struct Found {
    lease: Lease,
    pub holder: String,
    pub since: Option<Timestamp>,
    /// As text; empty if the holder had nothing to undo.
    pub journal: Option<String>,
}

/// The Lease is no longer this run's: it stops, and changes nothing more.
#[derive(Debug)]
pub struct LeaseLost;

impl std::fmt::Display for LeaseLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the Lease {NAME} was taken or deleted by somebody else")
    }
}

impl std::error::Error for LeaseLost {}

impl Found {
    /// Its holder left it to whoever recovers.
    pub fn is_abandoned(&self) -> bool {
        self.renewed().is_none()
    }

    /// How long its holder may go without renewing it.
    pub fn lasts(&self) -> Duration {
        let seconds = self.lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        Duration::from_secs(seconds.and_then(|seconds| seconds.try_into().ok()).unwrap_or(DURATION_SECONDS as u64))
    }

    /// Whether this is the Lease that `held` was, in other hands: its journal came along.
    pub fn continues(&self, held: &Held) -> bool {
        self.lease.metadata.uid == held.lease.metadata.uid
    }

    fn renewed(&self) -> Option<&MicroTime> {
        self.lease.spec.as_ref()?.renew_time.as_ref()
    }

    fn new(lease: Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let annotation = |key| lease.metadata.annotations.as_ref().and_then(|all| all.get(key)).cloned();
        Self {
            holder: spec.holder_identity.unwrap_or_else(|| "nobody".to_owned()),
            since: spec.acquire_time.map(|MicroTime(time)| time),
            journal: annotation(JOURNAL),
            lease,
        }
    }
}

impl Cluster {
    /// The Lease as it stands, if there is one.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn find_lease(&self, namespace: &str) -> Result<Option<Found>> {
        let what = format!("get Lease {namespace}/{NAME}");
        Ok(self.call(&what, self.leases(namespace).get_opt(NAME)).await?.map(Found::new))
    }

    /// Writes the journal, and renews.
    ///
    /// # Errors
    /// [`LeaseLost`], or the API server cannot be reached.
    pub async fn write_journal(&self, held: &mut Held, journal: Option<String>) -> Result<()> {
        let annotations = held.lease.metadata.annotations.get_or_insert_default();
        match journal {
            Some(text) => annotations.insert(JOURNAL.to_owned(), text),
            None => annotations.remove(JOURNAL),
        };
        self.renew(held).await
    }

    /// # Errors
    /// [`LeaseLost`], or the API server cannot be reached.
    pub async fn renew(&self, held: &mut Held) -> Result<()> {
        held.lease.spec.get_or_insert_default().renew_time = Some(MicroTime(Timestamp::now()));
        self.write(held).await
    }

    /// Leaves the Lease with this journal to whoever recovers: without a time of renewal nobody counts as alive.
    ///
    /// # Errors
    /// [`LeaseLost`], or the API server cannot be reached.
    pub async fn abandon(&self, held: &mut Held, journal: String) -> Result<()> {
        held.lease.metadata.annotations.get_or_insert_default().insert(JOURNAL.to_owned(), journal);
        held.lease.spec.get_or_insert_default().renew_time = None;
        self.write(held).await
    }

    /// Deletes the Lease if it still is this run's.
    ///
    /// # Errors
    /// [`LeaseLost`], forbidden, or the API server cannot be reached.
    pub async fn release(&self, held: &mut Held) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.delete_lease(held).await {
                Err(error) if is_outrun(&error, attempt) => self.catch_up(held).await?,
                deleted => return deleted,
            }
            attempt += 1;
        }
    }

    async fn delete_lease(&self, held: &Held) -> Result<()> {
        let Held { lease: Lease { metadata, .. } } = held;
        let preconditions =
            Preconditions { uid: metadata.uid.clone(), resource_version: metadata.resource_version.clone() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let what = format!("delete Lease {}/{NAME}", held.namespace());
        gone(self.call(&what, self.leases(held.namespace()).delete(NAME, &params)).await)
    }

    /// Compare and swap on the resourceVersion.
    async fn write(&self, held: &mut Held) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.replace_lease(held).await {
                Err(error) if is_outrun(&error, attempt) => self.catch_up(held).await?,
                Err(error) if refusal(&error) == Some(&Refusal::NotFound) => return Err(anyhow!(LeaseLost)),
                written => return written,
            }
            attempt += 1;
        }
    }

    async fn replace_lease(&self, held: &mut Held) -> Result<()> {
        let what = format!("update Lease {}/{NAME}", held.namespace());
        let leases = self.leases(held.namespace());
        held.lease = self.call(&what, leases.replace(NAME, &params(), &held.lease)).await?;
        Ok(())
    }

    /// A conflict may come of a write of our own whose answer was lost (a cut, a signal in the middle), or of somebody's who labels it:
    /// as long as the Lease still names this run, its version is simply taken on.
    async fn catch_up(&self, held: &mut Held) -> Result<()> {
        match self.find_lease(held.namespace()).await? {
            Some(found) if found.holder == held.holder() && found.lease.metadata.uid == held.lease.metadata.uid => {
                held.lease.metadata.resource_version = found.lease.metadata.resource_version;
                Ok(())
            }
            _ => Err(anyhow!(LeaseLost)),
        }
    }

    fn leases(&self, namespace: &str) -> Api<Lease> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Whether the Lease had become another version, and is worth another attempt.
fn is_outrun(error: &anyhow::Error, attempt: usize) -> bool {
    attempt < ATTEMPTS && refusal(error) == Some(&Refusal::Conflict)
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn held_by(holder: &str) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(DURATION_SECONDS),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        lease_transitions: Some(0),
        ..LeaseSpec::default()
    }
}
