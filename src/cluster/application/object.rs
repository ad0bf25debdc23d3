//! The Application as the API server sends it: as much of it as is asked for, the rest untyped.
use super::Operation;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Never written back whole: Argo CD has no status subresource, so an update would clobber its status.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster) struct Object {
    pub(in crate::cluster) metadata: ObjectMeta,
    pub(super) spec: Value,
    pub(super) operation: Option<Value>,
    pub(super) status: Value,
}

impl Object {
    /// The result of the last comparison with Git: `Synced`, `OutOfSync` or `Unknown`.
    pub(super) fn sync(&self) -> Option<&str> {
        self.status.pointer("/sync/status").and_then(Value::as_str)
    }

    /// A retry keeps it `Running`, and `Terminating` is not its end.
    pub(super) fn operation(&self) -> Operation {
        match self.status.pointer("/operationState/phase").and_then(Value::as_str) {
            Some("Running") => Operation::Running,
            Some("Terminating") => Operation::Terminating,
            _ if self.operation.as_ref().is_some_and(|operation| !operation.is_null()) => Operation::Asked,
            _ => Operation::None,
        }
    }
}

impl Resource for Object {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        "Application".into()
    }

    fn group(_: &()) -> Cow<'_, str> {
        "argoproj.io".into()
    }

    fn version(_: &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural(_: &()) -> Cow<'_, str> {
        "applications".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
