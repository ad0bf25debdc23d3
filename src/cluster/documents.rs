//! Document trees from one pod to another, or out of an archive, by exec, through this process and no disk.
mod archive;
mod listing;
mod pass;

use crate::cluster::Cluster;
use crate::cluster::exec::PodRef;
use crate::documents::delta::{Delta, diff};
use crate::documents::manifest::Manifest;
use crate::documents::verdict::Pass;
use anyhow::{Context, Result};
pub use archive::Intake;
use listing::{has_all, list, list_both};
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
    /// Of what the sides hold.
    ///
    /// # Errors
    /// The first one lacks a tree.
    pub fn of(sides: (Side<'_>, Side<'_>), new: Manifest, old: Manifest) -> Result<Self> {
        has_all(sides, &new)?;
        let delta = diff(&new, &old, |_| false);
        Ok(Self { new, old, delta, approved: false })
    }

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
        Compared::of(sides, new, old)
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
