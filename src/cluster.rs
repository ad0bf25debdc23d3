//! Verbs of the domain over the Kubernetes API; the only module that names `kube` and `k8s_openapi`.
//!
//! It tells nobody anything: it returns values and streams; the steps turn them into events.
pub mod application;
pub mod deployment;
pub mod documents;
mod events;
pub mod exec;
pub mod failure;
pub mod job;
pub mod lease;
pub mod pod;
pub mod rights;
pub mod secret;
mod watch;

use anyhow::{Context, Result};
use failure::explain;
use kube::Client;
use kube::config::{Config, KubeConfigOptions};
use std::time::Duration;

/// The name under which the tool's writes stand in `managedFields`.
pub const FIELD_MANAGER: &str = "sandbox-lifecycle";
/// How long one call to the API server may take; watches, logs and exec have limits of their own.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// A connection to one cluster. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    context: Option<String>,
    /// Its address, for messages.
    server: String,
}

impl Cluster {
    /// By the kubeconfig's `context`, else its current one, else the Pod's service account.
    ///
    /// # Errors
    /// No kubeconfig and not in a Pod; the context does not exist; certificates cannot be read.
    pub async fn connect(context: Option<&str>) -> Result<Self> {
        let config = match context {
            None => Config::infer().await.context("found no kubeconfig that can be used, and this is no Pod")?,
            Some(name) => {
                let options = KubeConfigOptions { context: Some(name.to_owned()), ..Default::default() };
                let config = Config::from_kubeconfig(&options).await;
                config.with_context(|| format!("cannot use context {name:?} of the kubeconfig"))?
            }
        };
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config).context("cannot make a client of the kubeconfig")?;
        Ok(Self { client, context: context.map(str::to_owned), server })
    }

    /// The same cluster again, with connections that belong to the runtime of the caller.
    ///
    /// # Errors
    /// As [`Cluster::connect`].
    pub async fn reconnect(&self) -> Result<Self> {
        Self::connect(self.context.as_deref()).await
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
