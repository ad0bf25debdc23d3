//! Events: what the cluster's own parts say about an object that does not come right.
use super::{Cluster, pod};
use anyhow::Error;
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
        let its_pod = |name: &str| name.strip_prefix(job).is_some_and(|rest| rest.starts_with('-'));
        self.warnings_about(namespace, |name| name == job || pod && its_pod(name)).await
    }

    /// Those about the objects of these names, the newest last.
    pub(super) async fn warnings_about(&self, namespace: &str, about: impl Fn(&str) -> bool) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("list Events in {namespace}");
        let listed = self.call(&what, events.list(&ListParams::default().fields("type=Warning"))).await;
        let events = listed.inspect_err(|error| tracing::warn!("{error:#}")).map_or(Vec::new(), |listed| listed.items);
        let about = |event: &Event| event.involved_object.name.as_deref().is_some_and(&about);
        let mut about: Vec<Event> = events.into_iter().filter(about).collect();
        about.sort_by_key(|event| event.last_timestamp.clone());
        let words = |Event { reason, message, .. }| [reason, message].map(Option::unwrap_or_default).join(": ");
        about.into_iter().map(words).collect()
    }
}

/// That the Pod of `maker` does not come, and the warning that says more than the error itself, if there is one.
pub(super) fn cannot_work(maker: &str, error: Error, warnings: &[String]) -> Error {
    let warning = match error.downcast_ref() {
        Some(pod::Trouble { image: Some(image), .. }) => {
            let pulls = warnings.iter().rev().find(|warning| warning.contains("Failed to pull image"));
            pulls.map(|warning| pod::pulling(image, warning))
        }
        _ => warnings.last().map(String::as_str),
    };
    // The scheduler's word stands in the Pod's status and in its Event, and so may the runtime's.
    let said = |warning: &str| {
        let why = warning.split_once(": ").map_or(warning, |(_, why)| why);
        error.to_string().contains(why)
    };
    let warning = warning.filter(|warning| !said(warning)).map_or(String::new(), |warning| format!(" ({warning})"));
    error.context(format!("{maker} cannot work{warning}"))
}
