//! What to do about two ends whose reason the script in the golden Pod cannot know: credentials that were rotated a moment ago, and a volume
//! without room.
use crate::cli::{program, spoken};
use crate::record::now;
use crate::step::Context;
use anyhow::Error;
use std::fmt;

/// In seconds. A kubelet looks at a Pod's volumes once a minute, at a Secret that may be a minute old: it may take as long as both, and some.
const ROTATED_LATELY: i64 = 180;

/// What programs say for want of room, and what our scripts say where those say nothing.
const NO_ROOM: [&str; 4] =
    ["No space left on device", "Wrote only", "volume may be full", "could not be written to its end"];

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

/// Says how to make room, where the volume seems to have none.
pub(super) fn on_room(error: Error) -> Error {
    let said = format!("{error:#}");
    match NO_ROOM.iter().any(|words| said.contains(words)) {
        true => error.context(format!(
            "the golden volume may be full: `{} checkpoint delete NAME` removes what is not needed, and a new --golden-claim with a \
             larger --golden-size has more room",
            program()
        )),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_secret_is_told_of_as_long_as_a_pod_may_have_the_former_one() {
        let told = |seconds| rotated("erp-sandbox/db", seconds);
        assert!(told(-5).is_some_and(|said| said.contains("Secret erp-sandbox/db was written 0 seconds ago")));
        assert!(told(180).is_some_and(|said| said.contains("written 3 minutes ago")));
        assert_eq!(told(181), None);
    }

    #[test]
    fn a_volume_is_told_of_where_something_was_not_written() {
        let full = anyhow!("pg_dump failed: could not write to output file: No space left on device");
        let full = format!("{:#}", on_room(full.context("cannot save the database")));
        assert!(full.starts_with("the golden volume may be full: "), "{full}");
        assert!(full.contains("has more room: cannot save the database: pg_dump failed"), "{full}");
        assert_eq!(format!("{:#}", on_room(anyhow!("pg_dump failed: no such table"))), "pg_dump failed: no such table");
    }
}
