//! Verbs of the domain over the Kubernetes API; the only module that names `kube` and `k8s_openapi`.
//!
//! It tells nobody anything: it returns values and streams; the steps turn them into events.
pub mod application;
pub mod autoscaler;
pub mod changed;
pub mod claim;
pub mod deployment;
pub mod disturbance;
pub mod documents;
mod events;
pub mod exec;
pub mod failure;
pub mod golden;
pub mod job;
mod kubeconfig;
pub mod lease;
pub mod leftovers;
pub mod names;
mod patience;
pub mod pod;
pub mod quota;
pub mod record;
pub mod rights;
pub mod secret;
pub mod size;
pub mod talk;
pub mod tied;
pub mod transfer;
mod version;
mod watch;

use anyhow::Result;
use failure::explain;
use kube::Client;
use kube::config::{Config, KubeConfigOptions};
use std::time::Duration;

/// The name under which the tool's writes stand in `managedFields`.
pub const FIELD_MANAGER: &str = "sandbox-lifecycle";
/// How long one call to the API server may take with all its attempts; watches, logs and exec have limits of their own.
/// Below the Lease's duration: the Lease is renewed before a change, so a change is made while nobody else can have it.
const CALL_LIMIT: Duration = Duration::from_secs(25);

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    config: Config,
    attempt_limit: Duration,
}

impl Cluster {
    /// By the kubeconfig's `context`, else its current one, else the Pod's service account. A request that has no answer
    /// within `attempt_limit` is made again.
    ///
    /// # Errors
    /// No kubeconfig and not in a Pod; the context does not exist; certificates cannot be read.
    pub async fn connect(context: Option<&str>, attempt_limit: Duration) -> Result<Self> {
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
        let config = match (kubeconfig::merged(), context) {
            (Some(kubeconfig), _) => {
                let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
                config.map_err(|error| kubeconfig::unfit(context, &error))?
            }
            (None, None) => Config::infer().await.map_err(|error| kubeconfig::unfit(None, &error))?,
            (None, Some(_)) => {
                Config::from_kubeconfig(&options).await.map_err(|error| kubeconfig::unfit(context, &error))?
            }
        };
        Self::with(config, attempt_limit)
    }

    /// As [`Cluster::connect`], by a configuration that is there already. Belongs to the runtime that it is called in.
    ///
    /// # Errors
    /// Certificates or credentials cannot be read.
    pub fn with(config: Config, attempt_limit: Duration) -> Result<Self> {
        let client = patience::client(config.clone(), attempt_limit);
        // The error's own words hold those of its causes.
        let client = client.map_err(|error| anyhow::anyhow!("cannot log in by the kubeconfig: {error}"))?;
        Ok(Self { client, config, attempt_limit })
    }

    /// The same cluster again, with connections that belong to the runtime of the caller.
    ///
    /// # Errors
    /// As [`Cluster::with`].
    pub fn reconnect(&self) -> Result<Self> {
        Self::with(self.config.clone(), self.attempt_limit)
    }

    /// One call, bounded in time, its error in the operator's words.
    async fn call<T>(&self, what: &str, call: impl Future<Output = kube::Result<T>>) -> Result<T> {
        match tokio::time::timeout(CALL_LIMIT, call).await {
            Ok(answer) => answer.map_err(|error| explain(what, error)),
            Err(_) => {
                anyhow::bail!("cannot {what}: the API server did not answer within {} s", CALL_LIMIT.as_secs())
            }
        }
    }
}

/// A deletion's answer: that the object is not there is what was wanted.
fn gone<T>(deleted: Result<T>) -> Result<()> {
    match deleted {
        Err(error) if failure::refusal(&error) == Some(&failure::Refusal::NotFound) => Ok(()),
        deleted => deleted.map(drop),
    }
}
