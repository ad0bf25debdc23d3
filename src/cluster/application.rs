//! Argo CD's Application: who owns the sandbox, and whether Argo CD acts on it by itself.
mod object;
mod operation;
mod owner;
mod pause;
mod synced;

pub(super) use object::Object;
pub use operation::Operation;
pub use owner::{Owner, Tolerance};
pub use pause::resumed;

use super::changed::{Change, changed};
use super::{Cluster, FIELD_MANAGER};
use anyhow::Result;
use kube::api::{Api, Patch, PatchParams, ValidationDirective};
use serde_json::{Value, json};

/// Freezes an Application whole: no refresh, no sync, no status (since Argo CD 2.7).
pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";

/// What matters of an Application as it stands in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    pub destination_namespace: Option<String>,
    /// `spec.syncPolicy.automated`, verbatim; `None` when the Application syncs by hand.
    pub automated: Option<Value>,
    /// The value of the annotation [`SKIP_RECONCILE`], verbatim.
    pub skip_reconcile: Option<String>,
    /// Whatever generates it: an ApplicationSet or a parent Application may revert a patch.
    pub owner: Option<Owner>,
    /// Who wrote last to `spec.syncPolicy`, as far as the API server knows.
    pub changed: Option<Change>,
    pub operation: Operation,
    /// Argo CD's last comparison found what Git says.
    pub synced: bool,
    /// Its `resourceVersion`.
    pub version: String,
}

impl Application {
    /// Whether Argo CD syncs by itself: on a new commit, and with self-heal on any drift.
    /// As `SyncPolicy.IsAutomatedSyncEnabled` of Argo CD 3.1 has it; before, `enabled` was no field.
    pub fn syncs_by_itself(&self) -> bool {
        let enabled = |automated: &Value| automated.get("enabled") != Some(&Value::Bool(false));
        self.automated.as_ref().is_some_and(enabled)
    }

    /// Whether Argo CD leaves it alone. The annotation is parsed as Go's `strconv.ParseBool` does.
    pub fn is_frozen(&self) -> bool {
        let value = self.skip_reconcile.as_deref();
        value.is_some_and(|value| ["1", "t", "T", "true", "TRUE", "True"].contains(&value))
    }

    /// Whether drift or a commit alone makes Argo CD start the sandbox.
    pub fn acts_by_itself(&self) -> bool {
        self.syncs_by_itself() && !self.is_frozen()
    }

    pub(super) fn read(object: &Object) -> Self {
        let at = |pointer: &str| object.spec.pointer(pointer).filter(|value| !value.is_null());
        Self {
            destination_namespace: at("/destination/namespace").and_then(Value::as_str).map(str::to_owned),
            automated: at("/syncPolicy/automated").cloned(),
            skip_reconcile: object.metadata.annotations.as_ref().and_then(|all| all.get(SKIP_RECONCILE)).cloned(),
            owner: Owner::of(object),
            changed: changed(&object.metadata, &["spec", "syncPolicy"]),
            operation: object.operation(),
            synced: object.sync() == Some("Synced"),
            version: object.metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

impl Cluster {
    /// # Errors
    /// Not found, forbidden, or no Argo CD in this cluster.
    pub async fn application(&self, namespace: &str, name: &str) -> Result<Application> {
        let what = format!("get Application {namespace}/{name}");
        self.call(&what, self.applications(namespace).get(name)).await.map(|object| Application::read(&object))
    }

    async fn patch_application<P>(&self, namespace: &str, name: &str, patch: &Patch<P>) -> Result<()>
    where
        P: serde::Serialize + std::fmt::Debug,
    {
        // Strict: a server that knows the check names an unknown field instead of dropping it.
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::default()
        };
        let what = format!("patch Application {namespace}/{name}");
        self.call(&what, self.applications(namespace).patch(name, &params, patch)).await.map(drop)
    }

    /// Whether the Application's CRD knows `automated.enabled`, which came with Argo CD 3.1: by a dry run of a patch, of which
    /// nothing is kept.
    ///
    /// # Errors
    /// The patch is refused, by a right or a policy.
    pub async fn knows_enabled(&self, namespace: &str, name: &str) -> Result<bool> {
        let params = PatchParams {
            dry_run: true,
            field_manager: Some(FIELD_MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Ignore),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}}));
        let what = format!("patch Application {namespace}/{name}, as a dry run");
        let object = self.call(&what, self.applications(namespace).patch(name, &params, &patch)).await?;
        Ok(object.spec.pointer("/syncPolicy/automated/enabled").is_some())
    }

    pub(super) fn applications(&self, namespace: &str) -> Api<Object> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
