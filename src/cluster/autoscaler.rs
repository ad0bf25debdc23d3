//! What else scales a Deployment: HorizontalPodAutoscalers and KEDA's ScaledObjects.
use super::Cluster;
use anyhow::{Error, Result};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

/// An autoscaler whose target is the Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoscaler {
    /// Kind, namespace and name.
    pub name: String,
    /// How to stop it from starting what is at 0 replicas; `None` when it does not.
    pub fix: Option<String>,
}

/// What was found; `unreadable` is what may not be listed.
#[derive(Debug, Default)]
pub struct Autoscalers {
    pub found: Vec<Autoscaler>,
    pub unreadable: Vec<Error>,
}

impl Cluster {
    /// Never fails: a Role that may not list them is no reason not to run. A kind that the cluster does not have
    /// (no KEDA) scales nothing.
    pub async fn autoscalers(&self, namespace: &str, deployment: &str) -> Autoscalers {
        let kind = GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject");
        let kind = ApiResource::from_gvk_with_plural(&kind, "scaledobjects");
        let scaled_objects: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let horizontal: Api<HorizontalPodAutoscaler> = Api::namespaced(self.client.clone(), namespace);
        let (horizontal, scaled_objects) = tokio::join!(
            self.listed("list HorizontalPodAutoscalers", horizontal),
            self.listed("list ScaledObjects", scaled_objects)
        );
        let mut all = Autoscalers::default();
        let horizontal = horizontal.unwrap_or_else(|error| all.without(error));
        let scaled_objects = scaled_objects.unwrap_or_else(|error| all.without(error));
        all.found.extend(horizontal.iter().filter_map(|hpa| pod_autoscaler(hpa, deployment)));
        all.found.extend(scaled_objects.iter().filter_map(|object| scaled_object(object, deployment)));
        all
    }

    async fn listed<K>(&self, what: &str, api: Api<K>) -> Result<Vec<K>>
    where
        K: Resource + Clone + DeserializeOwned + Debug,
    {
        let listed = async {
            match api.list(&ListParams::default()).await {
                // A kind without a definition: a page of plain text, no Status.
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
                listed => listed.map(|list| list.items),
            }
        };
        self.call(what, listed).await
    }
}

impl Autoscalers {
    fn without<K>(&mut self, error: Error) -> Vec<K> {
        self.unreadable.push(error);
        Vec::new()
    }
}

/// Kubernetes disables an autoscaler while its target is at 0 replicas ("implicit maintenance-mode deactivation" in its
/// documentation, `ScalingDisabled` in pkg/controller/podautoscaler/horizontal.go), unless `minReplicas` is 0: then 0
/// is a size like any other (`HPAScaleToZero`: alpha since 1.16, on by default since 1.37).
fn pod_autoscaler(hpa: &HorizontalPodAutoscaler, deployment: &str) -> Option<Autoscaler> {
    let spec = hpa.spec.as_ref()?;
    let target = &spec.scale_target_ref;
    if (target.kind.as_str(), target.name.as_str()) != ("Deployment", deployment) {
        return None;
    }
    let (namespace, name) = (hpa.namespace().unwrap_or_default(), hpa.name_any());
    let fix = (spec.min_replicas == Some(0))
        .then(|| format!("it has minReplicas 0: set it to 1, so that Kubernetes leaves {deployment} alone at 0"));
    Some(Autoscaler { name: format!("HorizontalPodAutoscaler {namespace}/{name}"), fix })
}

/// KEDA scales from 0 by itself as soon as a trigger is active, and back to `minReplicaCount` whatever the triggers say
/// (`RequestScale` in pkg/scaling/executor). The annotation `paused` leaves the replicas as they are; `paused-replicas`
/// does not, it holds them at its own number.
fn scaled_object(object: &DynamicObject, deployment: &str) -> Option<Autoscaler> {
    let target = object.data.pointer("/spec/scaleTargetRef")?;
    let field = |name: &str| target.get(name).and_then(Value::as_str);
    if field("kind").unwrap_or("Deployment") != "Deployment" || field("name") != Some(deployment) {
        return None;
    }
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let annotation = |key: &str| object.annotations().get(&format!("autoscaling.keda.sh/{key}"));
    let paused = annotation("paused").is_some_and(|value| value == "true") && annotation("paused-replicas").is_none();
    let fix = (!paused).then(|| {
        let held = annotation("paused-replicas").map_or("", |_| " autoscaling.keda.sh/paused-replicas-");
        format!(
            "pause it before the run with `kubectl -n {namespace} annotate scaledobject {name} autoscaling.keda.sh/paused=true{held}`, \
             and take the annotation away afterwards"
        )
    });
    Some(Autoscaler { name: format!("ScaledObject {namespace}/{name}"), fix })
}
