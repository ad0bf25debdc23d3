//! What runs have left: objects with the tool's labels that nobody has asked to go.
use super::Cluster;
use super::job::RUN_LABEL;
use super::rights::Right;
use anyhow::Result;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams, PartialObjectMeta};

/// An object made for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfRun {
    pub kind: &'static str,
    pub name: String,
    /// The run's id.
    pub run: String,
}

impl Cluster {
    /// The Jobs that are there for some run, and the Secrets where they may be listed: a right that no Role should give, as
    /// it shows every Secret of the namespace. A run's Secret belongs to its Job, so what may not be listed goes with that.
    /// What is being deleted is not among them.
    ///
    /// # Errors
    /// Jobs may not be listed, or the API server cannot be reached.
    pub async fn of_runs(&self, namespace: &str) -> Result<Vec<OfRun>> {
        let jobs: Api<Job> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().labels(RUN_LABEL);
        let jobs = self.call(&format!("list Jobs in {namespace}"), jobs.list_metadata(&params)).await?;
        let mut found = objects("Job", jobs.items);
        let list = Right { namespace: namespace.to_owned(), verb: "list", group: "", resource: "secrets", name: None };
        if self.lacking(&[list]).await?.is_empty() {
            let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
            let secrets = self.call(&format!("list Secrets in {namespace}"), secrets.list_metadata(&params)).await?;
            found.extend(objects("Secret", secrets.items));
        }
        Ok(found)
    }
}

fn objects<K>(kind: &'static str, items: Vec<PartialObjectMeta<K>>) -> Vec<OfRun> {
    let stays = |metadata: &ObjectMeta| metadata.deletion_timestamp.is_none();
    let metadata = items.into_iter().map(|object| object.metadata).filter(stays);
    metadata
        .filter_map(|metadata| {
            let run = metadata.labels?.get(RUN_LABEL)?.clone();
            // A watchdog has a label of its own.
            let run = run.strip_suffix("-watchdog").map_or_else(|| run.clone(), str::to_owned);
            Some(OfRun { kind, name: metadata.name?, run })
        })
        .collect()
}
