//! How big the tool's Pods are: what one asks for and may take, for its manifest and for what judges it before it is made.
use serde_json::{Value, json};

/// Of one container; those of a Pod that has two run one after the other.
pub struct Size {
    /// As it is told whose Pod that is.
    pub whose: &'static str,
    /// What one more of it is counted as in a quota, beside its Pod.
    pub counted: &'static [&'static str],
    /// Of cpu and memory.
    pub requests: [(&'static str, &'static str); 2],
    pub limits: [(&'static str, &'static str); 2],
}

/// The Pod of a Job that dumps and restores.
pub const JOB: Size = Size {
    whose: "the Job's Pod",
    counted: &["count/jobs.batch", "secrets", "count/secrets"],
    requests: [("cpu", "100m"), ("memory", "128Mi")],
    limits: LIMITS,
};
/// The golden Pod, which idles for most of its life where it is kept.
pub const GOLDEN: Size = Size {
    whose: "the golden Pod",
    counted: &["count/jobs.batch"],
    requests: [("cpu", "10m"), ("memory", "32Mi")],
    limits: LIMITS,
};
const LIMITS: [(&str, &str); 2] = [("cpu", "2"), ("memory", "1Gi")];

impl Size {
    /// As it stands in a container's manifest.
    pub(super) fn resources(&self) -> Value {
        let [requests, limits] =
            [self.requests, self.limits].map(|all| all.into_iter().collect::<std::collections::BTreeMap<_, _>>());
        json!({"requests": requests, "limits": limits})
    }
}
