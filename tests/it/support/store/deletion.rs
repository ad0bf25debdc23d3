//! Deleting: preconditions, a Pod's grace, and the finalizers that stand for a propagation policy.

use serde_json::{Value, json};

use super::Status;
use super::rules::{self, now};

/// `metav1.DeleteOptions`.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) grace_period_seconds: Option<u64>,
}

/// What becomes of the objects that the deleted one owns. Whether to ask for it is the caller's:
/// the store only writes the finalizer, the garbage collector does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Orphan,
    Background,
    Foreground,
}

/// What a delete came to.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    pub(crate) object: Value,
    /// False: it is marked with a deletionTimestamp and waits for a kubelet or a finalizer.
    pub(crate) gone: bool,
}

impl DeleteOptions {
    /// At once, without grace: as a kubelet does when the containers have ended.
    pub(crate) fn now() -> Self {
        Self {
            grace_period_seconds: Some(0),
            ..Self::default()
        }
    }

    pub(super) fn check(&self, resource: &str, name: &str, object: &Value) -> Result<(), Status> {
        let differs = |what: &str, field: &str, asked: &Option<String>| {
            let has = object["metadata"][field].as_str().unwrap_or_default();
            let asked = asked.as_deref().filter(|asked| *asked != has)?;
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({has}). \
                 The object might have been deleted and then recreated"
            );
            Some(Status::conflict(resource, name, &why))
        };
        let refused = differs("UID", "uid", &self.uid)
            .or_else(|| differs("ResourceVersion", "resourceVersion", &self.resource_version));
        refused.map_or(Ok(()), Err)
    }
}

/// The object as the deletion leaves it, and whether that is the end of it.
pub(super) fn begin(resource: &str, old: &Value, options: &DeleteOptions) -> (Value, bool) {
    let mut object = old.clone();
    add_finalizer(&mut object, options.propagation);
    let grace = grace(resource, old, options);
    let held = rules::is_held(&object);
    if grace == 0 && !held {
        return (object, true);
    }
    let metadata = &mut object["metadata"];
    let before = metadata["deletionGracePeriodSeconds"].as_u64();
    let first = !metadata["deletionTimestamp"].is_string();
    // A second delete can only shorten the grace.
    if first || before.is_some_and(|before| grace < before) {
        metadata["deletionTimestamp"] = later(grace).into();
        metadata["deletionGracePeriodSeconds"] = grace.into();
    }
    (object, false)
}

fn add_finalizer(object: &mut Value, propagation: Option<Propagation>) {
    let finalizer = match propagation {
        Some(Propagation::Orphan) => "orphan",
        Some(Propagation::Foreground) => "foregroundDeletion",
        _ => return,
    };
    let metadata = &mut object["metadata"];
    if !metadata["finalizers"].is_array() {
        metadata["finalizers"] = json!([]);
    }
    if let Some(list) = metadata["finalizers"].as_array_mut()
        && !list.iter().any(|one| one == finalizer)
    {
        list.push(finalizer.into());
    }
}

/// Only a Pod that a node may still be running has any.
fn grace(resource: &str, object: &Value, options: &DeleteOptions) -> u64 {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let running =
        object["spec"]["nodeName"].is_string() && !matches!(phase, "Succeeded" | "Failed");
    if resource != "pods" || !running {
        return 0;
    }
    let wanted = object["spec"]["terminationGracePeriodSeconds"]
        .as_u64()
        .unwrap_or(30);
    options.grace_period_seconds.unwrap_or(wanted)
}

fn later(seconds: u64) -> String {
    let span = std::time::Duration::from_secs(seconds);
    match jiff::Timestamp::now().checked_add(span) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => now(),
    }
}
