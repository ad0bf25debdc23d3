//! The names of what there is, for a shell that completes them.
use super::Cluster;
use anyhow::{Context, Result};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::config::Kubeconfig;

/// Kinds whose names can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Namespace,
    Deployment,
    Secret,
    ServiceAccount,
    Application,
}

impl Kind {
    /// Group, version and plural.
    fn resource(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Namespace => ("", "v1", "namespaces"),
            Self::Deployment => ("apps", "v1", "deployments"),
            Self::Secret => ("", "v1", "secrets"),
            Self::ServiceAccount => ("", "v1", "serviceaccounts"),
            Self::Application => ("argoproj.io", "v1alpha1", "applications"),
        }
    }
}

/// The contexts of the kubeconfig.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn contexts() -> Result<Vec<String>> {
    let kubeconfig = Kubeconfig::read().context("cannot read the kubeconfig")?;
    Ok(kubeconfig.contexts.into_iter().map(|context| context.name).collect())
}

impl Cluster {
    /// The names alone: nothing else of the objects is sent, so no Secret's content either.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn names(&self, kind: Kind, namespace: &str) -> Result<Vec<String>> {
        let (group, version, plural) = kind.resource();
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: format!("{kind:?}"),
            plural: plural.to_owned(),
        };
        let api: Api<DynamicObject> = match kind {
            Kind::Namespace => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, &resource),
        };
        let listed = self.call(&format!("list {plural}"), api.list_metadata(&ListParams::default())).await?;
        Ok(listed.items.into_iter().filter_map(|object| object.metadata.name).collect())
    }
}
