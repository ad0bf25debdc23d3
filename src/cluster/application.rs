//! Argo CD's Application: who owns the sandbox, and the pause of its self-heal.
use super::{Cluster, FIELD_MANAGER};
use anyhow::{Context, Result, bail, ensure};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use std::time::Duration;

/// An operation that runs longer than this is not waited for: a sync of one application takes seconds.
const OPERATION_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at an operation in flight; DynamicObject has no typed watch here, and this wait is rare.
const OPERATION_EVERY: Duration = Duration::from_millis(500);

/// What matters of an Application as it stands in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    pub destination_namespace: Option<String>,
    /// `spec.syncPolicy.automated`, verbatim; `None` when the Application syncs by hand.
    pub automated: Option<Value>,
    /// The name of whatever created it: an ApplicationSet or a parent Application would revert a patch.
    pub owner: Option<String>,
    operation_in_flight: bool,
}

impl Application {
    /// Whether Argo CD undoes changes to the live objects by itself.
    pub fn self_heals(&self) -> bool {
        let field = |name: &str| self.automated.as_ref().and_then(|automated| automated.get(name));
        field("selfHeal") == Some(&Value::Bool(true)) && field("enabled") != Some(&Value::Bool(false))
    }

    fn read(object: &DynamicObject) -> Self {
        let at = |pointer: &str| object.data.pointer(pointer).filter(|value| !value.is_null());
        let owners = object.metadata.owner_references.iter().flatten();
        let tracked = object.metadata.annotations.as_ref().and_then(|all| all.get("argocd.argoproj.io/tracking-id"));
        Self {
            destination_namespace: at("/spec/destination/namespace").and_then(Value::as_str).map(str::to_owned),
            automated: at("/spec/syncPolicy/automated").cloned(),
            owner: owners
                .map(|owner| format!("{} {}", owner.kind, owner.name))
                .next()
                .or_else(|| tracked.and_then(|id| id.split(':').next()).map(|parent| format!("Application {parent}"))),
            operation_in_flight: at("/operation").is_some()
                || at("/status/operationState/phase").and_then(Value::as_str) == Some("Running"),
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

    /// Turns self-heal off and proves it by reading back; an old CRD drops fields in silence.
    ///
    /// # Errors
    /// The patch is refused, or somebody (a parent Application) put self-heal back at once.
    pub async fn pause_self_heal(&self, namespace: &str, name: &str) -> Result<()> {
        let patch = json!({"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}});
        self.patch_application(namespace, name, &Patch::Merge(patch)).await?;
        let now = self.application(namespace, name).await?;
        ensure!(
            !now.self_heals(),
            "self-heal of Application {namespace}/{name} is on again right after it was turned off{}",
            now.owner.map_or(String::new(), |owner| format!("; {owner} manages it and must allow the change"))
        );
        Ok(())
    }

    /// Puts `automated` back exactly as it was, whatever it has become.
    ///
    /// # Errors
    /// The Application is gone, or the patch is refused.
    pub async fn restore_automated(&self, namespace: &str, name: &str, automated: &Value) -> Result<()> {
        // JSON Patch `add` replaces the whole object; a merge patch could not take a key away again.
        let operation = json!([{"op": "add", "path": "/spec/syncPolicy/automated", "value": automated}]);
        let patch = serde_json::from_value(operation).context("a JSON Patch of our own")?;
        self.patch_application(namespace, name, &Patch::Json::<()>(patch)).await?;
        let now = self.application(namespace, name).await?;
        ensure!(
            now.automated.as_ref() == Some(automated),
            "Application {namespace}/{name} has {} as automated, not {automated}",
            now.automated.unwrap_or_default()
        );
        Ok(())
    }

    /// Waits until Argo CD has no operation in flight: one that runs goes on although self-heal is off.
    ///
    /// # Errors
    /// It still runs after two minutes.
    pub async fn operation_ended(&self, namespace: &str, name: &str) -> Result<()> {
        let ended = async {
            while self.application(namespace, name).await?.operation_in_flight {
                tokio::time::sleep(OPERATION_EVERY).await;
            }
            Ok(())
        };
        match tokio::time::timeout(OPERATION_LIMIT, ended).await {
            Ok(ended) => ended,
            Err(_) => bail!(
                "Argo CD's operation on Application {namespace}/{name} has been running for {} s; end it with `argocd app terminate-op {name}`",
                OPERATION_LIMIT.as_secs()
            ),
        }
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

    fn applications(&self, namespace: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
        let resource = ApiResource::from_gvk_with_plural(&kind, "applications");
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }
}
