//! Writes that are tied to what was read: the API server refuses one whose object has changed since.
//!
//! A request may be carried out long after its client gave it up, was ended, or has put back what the request would change: it
//! waits in a server that is overloaded, or in a proxy. One that is tied to a version (`metadata.resourceVersion`) comes too late
//! as soon as the object is written again; so whoever puts something back writes, too, even if nothing has changed yet.
use super::failure::{Refusal, refusal};
use anyhow::Result;
use serde_json::Value;

/// Argo CD writes into its Applications and the Deployment's controller into its Deployment, but not all the time.
const ATTEMPTS: u32 = 10;

/// The merge patch, for the object at this version only.
pub(super) fn tied(mut patch: Value, version: &str) -> Value {
    patch["metadata"]["resourceVersion"] = version.into();
    patch
}

/// Makes the attempt anew (with what has become of the object) as long as the object was changed in the middle of it.
///
/// # Errors
/// The attempt's own; that it was changed each time.
pub async fn anew<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if refusal(&error) == Some(&Refusal::Conflict) => tracing::debug!("{error:#}; once more"),
            ended => return ended,
        }
    }
    attempt().await
}
