//! What to do about an end whose reason the script in the golden Pod cannot know: credentials that were rotated a moment ago.
use crate::cli::{program, spoken};
use crate::record::now;
use crate::step::Context;
use anyhow::Error;
use std::fmt;

/// In seconds. A kubelet looks at a Pod's volumes once a minute, at a Secret that may be a minute old: it may take as long as both, and some.
const ROTATED_LATELY: i64 = 180;

/// The database does not let a script in with the credentials that its Pod has.
#[derive(Debug)]
pub(super) struct Unreached(pub String);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreached {}

/// Adds that the Pod may still have the former credentials, where they were written lately.
pub(super) async fn on_rotation(cx: &Context<'_>, mut error: Error) -> Error {
    // A Job's Pod has just been given those that there are.
    if cx.golden.open.as_ref().is_none_or(|open| open.cold) {
        return error;
    }
    if let Some(Unreached(sentence)) = error.downcast_mut() {
        let (namespace, secret) = (&cx.settings.sandbox.namespace, &cx.settings.sandbox.secret);
        // If it cannot be read, what failed is told all the same.
        let credentials = cx.cluster.credentials(namespace, secret).await.ok();
        if let Some(written) = credentials.and_then(|credentials| credentials.written()) {
            let seconds = now().as_second() - written.as_second();
            *sentence += &rotated(&format!("{namespace}/{secret}"), seconds).unwrap_or_default();
        }
    }
    error
}

/// No advice to take a checkpoint: it would replace the one that a reset is to come back to.
fn rotated(secret: &str, seconds: i64) -> Option<String> {
    // Clocks differ.
    let seconds = seconds.max(0);
    (seconds <= ROTATED_LATELY).then(|| {
        format!(
            "; Secret {secret} was written {} ago, and the idle Pod sees that after a minute or two: try again then, or run \
             `{} checkpoint cool` first, as a new Pod has it at once",
            spoken(seconds),
            program()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_of_as_long_as_a_pod_may_have_the_former_one() {
        let told = |seconds| rotated("erp-sandbox/db", seconds);
        assert!(told(-5).is_some_and(|said| said.contains("Secret erp-sandbox/db was written 0 seconds ago")));
        assert!(told(180).is_some_and(|said| said.contains("written 3 minutes ago")));
        assert_eq!(told(181), None);
    }
}
