//! Document trees from one pod to another, or out of an archive, by exec, through this process and no disk.
mod archive;
mod pass;

use crate::cluster::Cluster;
use crate::cluster::exec::{self, Ended, Heard, PodRef};
use crate::documents::delta::{Delta, diff};
use crate::documents::manifest::{Manifest, Parser};
use crate::documents::verdict::Pass;
use crate::documents::{MANIFEST_SCRIPT, meaning, sent};
use anyhow::{Context, Result, anyhow, bail};
pub use archive::Intake;
use kube::Client;
use serde::Serialize;

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Files and links that were sent; one that was sent twice counts once for each time.
    pub files: u64,
    pub bytes: u64,
    /// Files and links that the source no longer has.
    pub removed: u64,
    /// Files and links that were found as they should be.
    pub unchanged: u64,
    /// Paths that were changed while they were read, twice: the target has a state that may be torn, the next run mends it.
    pub changed_while_read: Vec<String>,
    /// Sockets, FIFOs and devices, which are never copied.
    pub special: u64,
    /// How often something was sent.
    pub passes: u32,
}

/// Where one side's trees lie.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub pod: &'a PodRef,
    pub root: &'a str,
}

/// Both sides as they were listed, and what has to happen to the second one.
pub struct Compared {
    pub new: Manifest,
    pub old: Manifest,
    pub delta: Delta,
    /// What would be sent was approved already.
    pub approved: bool,
}

impl Compared {
    /// How much content the second side lacks.
    pub fn bytes(&self) -> u64 {
        self.delta.send.iter().map(|&at| self.new.entries()[at].size).sum()
    }
}

/// Asked before anything is sent: may it be?
pub trait Approval: Sync {
    /// # Errors
    /// Something of what would be sent must not be.
    fn approve(&self, source: &Manifest, delta: &Delta) -> impl Future<Output = Result<()>> + Send;
}

/// Nothing speaks against it.
pub struct Approved;

impl Approval for Approved {
    async fn approve(&self, _: &Manifest, _: &Delta) -> Result<()> {
        Ok(())
    }
}

impl Cluster {
    /// Makes `trees` of the second side what they are in the first.
    ///
    /// `progress` gets the bytes of content sent so far.
    ///
    /// # Errors
    /// A tree that the source lacks; a connection that breaks; a file that cannot be read or written; a target that holds
    /// something else than what was sent. A run that failed is simply run again: it sends what is missing.
    pub async fn copy_documents(
        &self,
        sides: (Side<'_>, Side<'_>),
        trees: &[String],
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Copied, Manifest)> {
        let compared = self.compare_documents(sides, trees).await?;
        self.bring_documents(sides, trees, compared, &Approved, progress).await
    }

    /// Lists both sides; changes nothing.
    ///
    /// # Errors
    /// A tree that the source lacks; a connection that breaks; a directory that cannot be read.
    pub async fn compare_documents(&self, sides: (Side<'_>, Side<'_>), trees: &[String]) -> Result<Compared> {
        let trees = &crate::documents::trees(trees)?;
        let (new, old) = list_both(&self.client, sides, trees).await?;
        let delta = diff(&new, &old, |_| false);
        Ok(Compared { new, old, delta, approved: false })
    }

    /// Brings the second side to the first, from how they were found. Gives the second side's last listing as well.
    ///
    /// # Errors
    /// As [`Cluster::copy_documents`], and what `approval` says.
    pub async fn bring_documents(
        &self,
        sides: (Side<'_>, Side<'_>),
        trees: &[String],
        compared: Compared,
        approval: &impl Approval,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Copied, Manifest)> {
        let trees = &crate::documents::trees(trees)?;
        let mut copied = Copied::default();
        let Compared { mut new, mut old, mut delta, approved } = compared;
        let mut last: Option<Pass> = None;
        loop {
            copied.unchanged = delta.unchanged;
            copied.special = delta.special;
            if delta.is_empty() {
                return Ok((copied, old));
            }
            let torn =
                |new: &Manifest, path: &[u8]| last.as_ref().is_some_and(|pass| pass.read_while_changing(new, path));
            if copied.passes == PASSES {
                let pass = last.as_ref().context("a pass was made")?;
                let judged = pass.judge(&new, &old, &delta, |path| torn(&new, path));
                copied.changed_while_read = judged.with_context(|| format!("{} {}", sides.1.pod, sides.1.root))?;
                return Ok((copied, old));
            }
            if copied.passes > 0 || !approved {
                approval.approve(&new, &delta).await?;
            }
            copied.passes += 1;
            let already = copied.bytes;
            let pass = pass::run(&self.client, sides, new, &old, &delta, &|bytes| progress(already + bytes)).await?;
            copied.files += pass.files();
            copied.bytes += pass.bytes();
            copied.removed += delta.removed;
            (new, old) = list_both(&self.client, sides, trees).await?;
            delta = diff(&new, &old, |path| pass.read_while_changing(&new, path));
            last = Some(pass);
        }
    }
}

/// A second pass sends what changed during the first; what changes during that is reported.
const PASSES: u32 = 2;

async fn list_both(
    client: &Client,
    (source, target): (Side<'_>, Side<'_>),
    trees: &[String],
) -> Result<(Manifest, Manifest)> {
    let (new, old) = tokio::try_join!(list(client, source, trees), list(client, target, trees))?;
    match new.missing.first() {
        Some(missing) => {
            bail!("{} has no {}/{missing}: nothing was removed in {}", source.pod, source.root, target.pod)
        }
        None => Ok((new, old)),
    }
}

/// What a pod's trees hold.
async fn list(client: &Client, Side { pod, root }: Side<'_>, trees: &[String]) -> Result<Manifest> {
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
