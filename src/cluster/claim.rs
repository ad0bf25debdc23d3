//! PersistentVolumeClaims: looked at and made, never resized.
use super::failure::{Refusal, refusal};
use super::{Cluster, FIELD_MANAGER};
use crate::cli::program;
use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

/// A claim as it stands in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub namespace: String,
    pub name: String,
    /// Pending, Bound or Lost.
    pub phase: String,
    /// As it was asked for, `5Gi`.
    pub size: String,
    pub storage_class: Option<String>,
    pub is_deleted: bool,
    /// Where it is to go: whether the Pod that is kept has it, and so keeps it from going.
    pub is_kept: bool,
}

impl Claim {
    fn new(namespace: &str, claim: PersistentVolumeClaim) -> Self {
        let spec = claim.spec.unwrap_or_default();
        let requests = spec.resources.and_then(|resources| resources.requests).unwrap_or_default();
        Self {
            namespace: namespace.to_owned(),
            name: claim.metadata.name.unwrap_or_default(),
            phase: claim.status.and_then(|status| status.phase).unwrap_or_else(|| "Pending".to_owned()),
            size: requests.get("storage").map(|size| size.0.clone()).unwrap_or_default(),
            storage_class: spec.storage_class_name.filter(|class| !class.is_empty()),
            is_deleted: claim.metadata.deletion_timestamp.is_some(),
            is_kept: false,
        }
    }

    /// That nothing can be kept on it, in a sentence that says what to do.
    ///
    /// # Errors
    /// It is lost, or on its way out.
    pub fn check(&self) -> Result<()> {
        let Self { namespace, name, is_kept, .. } = self;
        let cool = format!("`{} checkpoint cool` first, as the Pod that is kept has it, then ", program());
        let cool = if *is_kept { &cool } else { "" };
        if self.is_deleted {
            bail!("PersistentVolumeClaim {namespace}/{name} is being deleted: {cool}try again when it is gone");
        }
        if self.phase == "Lost" {
            bail!(
                "PersistentVolumeClaim {namespace}/{name} is Lost: its volume is gone, and the checkpoints with it: {cool}delete the \
                 claim (kubectl -n {namespace} delete pvc {name}) and take a new checkpoint"
            );
        }
        Ok(())
    }

    /// Why a Pod waits for it, if it does.
    pub fn wait(&self) -> String {
        let Self { namespace, name, phase, .. } = self;
        match &self.storage_class {
            Some(class) => {
                format!(
                    "PersistentVolumeClaim {namespace}/{name} is {phase}: StorageClass {class} has given it no volume (if that is \
                     the wrong class: kubectl -n {namespace} delete pvc {name}, and give another one by --storage-class)"
                )
            }
            None => format!(
                "PersistentVolumeClaim {namespace}/{name} is {phase}, and no StorageClass provides for it: delete it and give \
                 --storage-class, or bind it to a volume by hand"
            ),
        }
    }
}

impl Cluster {
    /// The claim, if there is one.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn claim(&self, namespace: &str, name: &str) -> Result<Option<Claim>> {
        let what = format!("get PersistentVolumeClaim {namespace}/{name}");
        let found = self.call(&what, self.claims(namespace).get_opt(name)).await?;
        let Some(mut claim) = found.map(|claim| Claim::new(namespace, claim)) else { return Ok(None) };
        if claim.is_deleted || claim.phase == "Lost" {
            // Only the advice is poorer without it.
            claim.is_kept = self.keeps_claim(namespace, name).await.unwrap_or_default();
        }
        Ok(Some(claim))
    }

    /// Makes the claim, for one node at a time.
    ///
    /// # Errors
    /// Forbidden, refused by a quota.
    pub async fn create_claim(&self, namespace: &str, name: &str, size: &str, class: Option<&str>) -> Result<Claim> {
        let what = format!("create PersistentVolumeClaim {namespace}/{name}");
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}});
        if let Some(class) = class {
            spec["storageClassName"] = Value::from(class);
        }
        let labels = json!({"app.kubernetes.io/managed-by": "sandbox-lifecycle"});
        let manifest = json!({"metadata": {"namespace": namespace, "name": name, "labels": labels}, "spec": spec});
        let manifest: PersistentVolumeClaim = serde_json::from_value(manifest).context("the claim's manifest")?;
        match self.call(&what, self.claims(namespace).create(&params, &manifest)).await {
            Ok(claim) => Ok(Claim::new(namespace, claim)),
            // The answer to the first attempt was lost.
            Err(error) if refusal(&error) == Some(&Refusal::Conflict) => {
                self.claim(namespace, name).await?.context("the claim came and went")
            }
            Err(error) => Err(error),
        }
    }

    fn claims(&self, namespace: &str) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
