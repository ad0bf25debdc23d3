//! Document trees from one pod to another, by exec, through this process and no disk.
mod pass;

use crate::cluster::Cluster;
use crate::cluster::exec::{self, Ended, Heard, PodRef};
use crate::documents::delta::diff;
use crate::documents::manifest::{Manifest, Parser};
use crate::documents::verdict::Pass;
use crate::documents::{MANIFEST_SCRIPT, meaning, sent};
use anyhow::{Context, Result, anyhow, bail};
use kube::Client;
use serde::Serialize;

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Files and links that were sent; one that was sent twice counts once for each time.
    pub files: u64,
    pub bytes: u64,
    /// Entries that production no longer has.
    pub removed: u64,
    /// Entries that were found as they should be.
    pub unchanged: u64,
    /// Paths that production changed while they were read, twice: the sandbox has a state that may be torn, the next run mends it.
    pub changed_while_read: Vec<String>,
    /// Sockets, FIFOs and devices, which are never copied.
    pub special: u64,
    /// How often something was sent.
    pub passes: u32,
}

impl Cluster {
    /// # Errors
    /// As [`copy`].
    pub async fn copy_documents(
        &self,
        pods: (&PodRef, &PodRef),
        root: &str,
        trees: &[String],
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Copied> {
        copy(&self.client, pods, root, trees, progress).await
    }
}

/// A second pass sends what changed during the first; what changes during that is reported.
const PASSES: u32 = 2;

/// Makes `trees` below `root` in `target` what they are in `source`.
///
/// `progress` gets the bytes of content sent so far.
///
/// # Errors
/// A tree that `source` lacks; a connection that breaks; a file that cannot be read or written; a target that holds something else
/// than what was sent. A run that failed is simply run again: it sends what is missing.
pub async fn copy(
    client: &Client,
    (source, target): (&PodRef, &PodRef),
    root: &str,
    trees: &[String],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Copied> {
    let trees = &crate::documents::trees(trees)?;
    let mut copied = Copied::default();
    let mut last: Option<Pass> = None;
    loop {
        let (new, old) = tokio::try_join!(list(client, source, root, trees), list(client, target, root, trees))?;
        if let Some(missing) = new.missing.first() {
            bail!("{source} has no {root}/{missing}: nothing was removed in the sandbox");
        }
        let torn = |path: &[u8]| last.as_ref().is_some_and(|pass| pass.read_while_changing(&new, path));
        let delta = diff(&new, &old, torn);
        copied.unchanged = delta.unchanged;
        copied.special = delta.special;
        if delta.is_empty() {
            return Ok(copied);
        }
        if copied.passes == PASSES {
            let pass = last.as_ref().context("a pass was made")?;
            copied.changed_while_read =
                pass.judge(&new, &old, &delta, torn).with_context(|| format!("{target} {root}"))?;
            return Ok(copied);
        }
        copied.passes += 1;
        let already = copied.bytes;
        let pass =
            pass::run(client, (source, target), root, new, &old, &delta, &|bytes| progress(already + bytes)).await?;
        copied.files += pass.files();
        copied.bytes += pass.bytes();
        copied.removed += delta.removed;
        last = Some(pass);
    }
}

/// What a pod's trees hold.
async fn list(client: &Client, pod: &PodRef, root: &str, trees: &[String]) -> Result<Manifest> {
    let text = sent(MANIFEST_SCRIPT);
    let mut argv = vec!["sh", "-c", &text, "sh", root];
    argv.extend(trees.iter().map(String::as_str));
    let (mut input, mut output) = exec::open(client, pod, &argv, false).await?;
    let mut parser = Parser::default();
    let listing = async {
        loop {
            match output.next().await? {
                Heard::Stdout(bytes) => parser.feed(&bytes)?,
                Heard::Stderr(_) => {}
                Heard::Ended(Ended::Code(0)) => return Ok(()),
                Heard::Ended(ended) => return Err(failed(&ended, &output.last_words())),
            }
        }
    };
    let listed = tokio::select! {
        listed = listing => listed,
        lost = input.keep_alive() => lost,
    };
    let finished = listed.and_then(|()| parser.finish(trees));
    finished.with_context(|| format!("cannot list the documents of {pod} in {root}"))
}

/// A script's end in a sentence: what its exit code means, and its last words.
fn failed(ended: &Ended, stderr: &str) -> anyhow::Error {
    match ended {
        Ended::Code(code) if meaning(*code).is_some() => {
            let meaning = meaning(*code).unwrap_or_default();
            match stderr {
                "" => anyhow!("{meaning}"),
                stderr => anyhow!("{meaning}: {stderr}"),
            }
        }
        ended => anyhow!("{}", exec::unsuccessful(ended, stderr)),
    }
}
