//! Pods: which one to talk to, whether one has ended, and what ails one.
use super::Cluster;
use super::exec::PodRef;
use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{Api, ListParams};
use std::fmt;

/// Waiting for these never helps within a run.
const HOPELESS: [&str; 3] = ["CreateContainerError", "RunContainerError", "CrashLoopBackOff"];
/// Nor for these, and a setting names the image.
const IMAGE: [&str; 4] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];

impl Cluster {
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("list Pods in {namespace}");
        let params = ListParams::default().labels(selector);
        Ok(self.call(&what, pods.list(&params)).await?.items)
    }

    /// A Ready Pod of the selection, and in it `container` or else its first one: by name, as the API server picks none
    /// where there are several.
    ///
    /// # Errors
    /// None is Ready.
    pub async fn ready_pod(&self, namespace: &str, selector: &str, container: Option<&str>) -> Result<PodRef> {
        let pods = self.pods(namespace, selector).await?;
        let pod = pods.iter().find(|pod| is_ready(pod));
        let pod = pod.with_context(|| match pods.iter().find_map(trouble) {
            Some(trouble) => format!("no Pod with {selector} in {namespace} is Ready: {trouble}"),
            None => format!("no Pod with {selector} in {namespace} is Ready"),
        })?;
        Ok(PodRef {
            namespace: namespace.to_owned(),
            pod: pod.metadata.name.clone().unwrap_or_default(),
            container: container.map(str::to_owned).or_else(|| first_container(pod)),
        })
    }
}

/// What the Pods of a namespace tell of an image.
pub enum Seen {
    /// This Pod runs it, or has.
    Runs(String),
    /// In the words of the Pod that cannot have it.
    Fails(String),
    Never,
}

impl Cluster {
    /// # Errors
    /// Pods may not be listed, or the API server cannot be reached.
    pub async fn image_seen(&self, namespace: &str, image: &str) -> Result<Seen> {
        let pods = self.pods(namespace, "").await?;
        let has = |pod: &&Pod| {
            let spec = pod.spec.iter();
            let mut all = spec.flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
            all.any(|container| container.image.as_deref() == Some(image))
        };
        let with: Vec<&Pod> = pods.iter().filter(has).collect();
        let ran = |pod: &&&Pod| containers(pod).any(|status| !status.image_id.is_empty());
        Ok(match (with.iter().find_map(|pod| trouble(pod)), with.iter().find(ran)) {
            (Some(trouble), _) => Seen::Fails(trouble.to_string()),
            (None, Some(pod)) => Seen::Runs(pod.metadata.name.clone().unwrap_or_default()),
            (None, None) => Seen::Never,
        })
    }
}

fn first_container(pod: &Pod) -> Option<String> {
    pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| container.name.clone())
}

pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

/// Init containers first, as they run.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| {
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
    })
}

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

/// Nothing of it runs, and nothing of it will.
pub(super) fn has_ended(pod: &Pod) -> bool {
    let ended = |status: &ContainerStatus| status.state.as_ref().is_some_and(|state| state.terminated.is_some());
    let deleted = pod.metadata.deletion_timestamp.is_some();
    let unscheduled = pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none());
    let statuses = || pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    matches!(phase(pod), "Succeeded" | "Failed")
        || deleted && (unscheduled || statuses().next().is_some() && statuses().all(ended))
}

/// It is deleted, and no container of it is known to run. One that has not started may still do so for a moment, and a node
/// of Kubernetes 1.20 gives a running init container up as `ContainerStatusUnknown`, so this is enough only where that does no
/// harm. It spares the 5 to 12 s for which such a node keeps the object and reports what never started as waiting.
pub(super) fn is_quiet(pod: &Pod) -> bool {
    let runs = |status: &ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
    has_ended(pod) || pod.metadata.deletion_timestamp.is_some() && !containers(pod).any(runs)
}

/// What keeps a Pod from running that no waiting mends, in a sentence.
#[derive(Debug)]
pub struct Trouble {
    sentence: String,
    /// The image, if that is what a container does not get.
    pub image: Option<String>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Trouble {}

pub(super) fn trouble(pod: &Pod) -> Option<Trouble> {
    let other = |sentence| Some(Trouble { sentence, image: None });
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let status = pod.status.as_ref()?;
    let unschedulable =
        status.conditions.iter().flatten().find(|condition| {
            condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("Unschedulable")
        });
    if let Some(condition) = unschedulable {
        return other(format!("Pod {name} cannot be scheduled: {}", condition.message.as_deref().unwrap_or_default()));
    }
    if status.reason.as_deref() == Some("NodeLost") {
        return other(format!("the node of Pod {name} does not answer any more"));
    }
    if phase(pod) == "Failed" && status.reason.is_some() {
        let message = status.message.as_deref().unwrap_or_default();
        return other(format!("Pod {name} has failed: {}: {message}", status.reason.as_deref().unwrap_or_default()));
    }
    containers(pod).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let message = waiting.message.as_deref().unwrap_or_default();
        let (name, image) = (format!("container {} of Pod {name}", container.name), &container.image);
        match reason {
            _ if IMAGE.contains(&reason) => {
                let why = pulling(image, message);
                let why = if why.is_empty() { why.to_owned() } else { format!(": {why}") };
                let sentence = format!("{name} has no image {image}: {reason}{why}");
                Some(Trouble { sentence, image: Some(image.clone()) })
            }
            _ if HOPELESS.contains(&reason) => other(format!("{name}: {reason}: {message}")),
            _ => None,
        }
    })
}

/// What the runtime says at last, after all the names of the image: `failed to pull image "x": "x": not found`.
pub(super) fn pulling<'a>(image: &str, message: &'a str) -> &'a str {
    let last = message.rsplit("\": ").next().unwrap_or_default();
    let last = last.strip_prefix(image).unwrap_or(last).trim_start_matches(": ");
    if last.starts_with("Back-off") { "" } else { last }
}

/// What keeps a container of the Pod from starting for now, in a sentence: a Secret or a key of it that is not there (yet).
pub(super) fn hitch(pod: &Pod) -> Option<String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    containers(pod).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let message = waiting.message.as_deref().unwrap_or_default();
        let waits = waiting.reason.as_deref() == Some("CreateContainerConfigError");
        waits.then(|| format!("container {} of Pod {name} cannot be made: {message}", container.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_runtimes_complaint_about_an_image_the_last_words_are_told() {
        for (message, why) in [
            (
                r#"rpc error: desc = failed to pull and unpack image "x:1": failed to resolve reference "x:1": x:1: not found"#,
                "not found",
            ),
            (
                r#"failed to do request: Head "https://r/v2/x/manifests/1": dial tcp: lookup r: no such host"#,
                "dial tcp: lookup r: no such host",
            ),
            (r#"Back-off pulling image "x:1""#, ""),
        ] {
            assert_eq!(pulling("x:1", message), why);
        }
    }
}
