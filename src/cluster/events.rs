//! Events: what the cluster's own parts say about an object that does not come right.
use super::Cluster;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};

impl Cluster {
    /// The newest warning about a Job, and about its Pod if there is one: "FailedCreate: pods … is forbidden: exceeded quota". Only the diagnosis is
    /// poorer without it, so a refusal of the API server (no right to list Events) is told to the log alone.
    pub async fn last_warning(&self, namespace: &str, job: &str, pod: bool) -> Option<String> {
        self.warnings(namespace, job, pod).await.pop()
    }

    /// All of them, the newest last.
    pub(super) async fn warnings(&self, namespace: &str, job: &str, pod: bool) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("list Events in {namespace}");
        let listed = self.call(&what, events.list(&ListParams::default().fields("type=Warning"))).await;
        let events = listed.inspect_err(|error| tracing::warn!("{error:#}")).map_or(Vec::new(), |listed| listed.items);
        let about = |event: &Event| {
            let name = event.involved_object.name.as_deref().unwrap_or_default();
            let its_pod = || name.strip_prefix(job).is_some_and(|rest| rest.starts_with('-'));
            name == job || pod && its_pod()
        };
        let mut about: Vec<Event> = events.into_iter().filter(about).collect();
        about.sort_by_key(|event| event.last_timestamp.clone());
        let words = |Event { reason, message, .. }| [reason, message].map(Option::unwrap_or_default).join(": ");
        about.into_iter().map(words).collect()
    }
}
