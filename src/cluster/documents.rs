//! Document trees from one pod to another, or out of an archive, by exec, through this process and no disk.
mod archive;
mod lister;
mod pass;
mod young;

use crate::cluster::Cluster;
use crate::cluster::exec::PodRef;
use crate::documents::delta::{Delta, diff};
use crate::documents::manifest::Manifest;
use crate::documents::verdict::Pass;
use anyhow::{Context, Result, bail};
pub use archive::Intake;
pub use lister::{Begun, Lister, Opened};
use serde::Serialize;
pub use young::Alike;

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
    from: Lister,
    to: Lister,
    pub new: Manifest,
    pub old: Manifest,
    pub delta: Delta,
    /// What would be sent was approved already.
    approved: bool,
}

impl Compared {
    /// Of what the sides hold. The second one's lister receives.
    ///
    /// # Errors
    /// The first one lacks a tree.
    pub fn of((from, new): (Lister, Manifest), (to, old): (Lister, Manifest)) -> Result<Self> {
        has_all(&from, &to, &new)?;
        let delta = diff(&new, &old, |_| false);
        Ok(Self { from, to, new, old, delta, approved: false })
    }

    /// Asks about what would be sent; it is not asked about again.
    ///
    /// # Errors
    /// What `approval` says.
    pub async fn approve(&mut self, approval: &impl Approval) -> Result<()> {
        approval.approve(&mut self.from, &self.new, &self.delta).await?;
        self.approved = true;
        Ok(())
    }

    /// Whether what was listed is news, and both can be relied on to answer.
    pub fn is_fresh(&self) -> bool {
        self.from.is_fresh() && self.to.is_fresh()
    }

    /// Neither is needed any more.
    pub async fn end(self) {
        tokio::join!(self.from.end(), self.to.end());
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
    fn approve(&self, from: &mut Lister, source: &Manifest, delta: &Delta) -> impl Future<Output = Result<()>>;
}

/// Nothing speaks against it.
pub struct Approved;

impl Approval for Approved {
    async fn approve(&self, _: &mut Lister, _: &Manifest, _: &Delta) -> Result<()> {
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
        self.bring_documents(compared, &Approved, progress).await
    }

    /// Lists both sides; changes nothing.
    ///
    /// # Errors
    /// A tree that the source lacks; a connection that breaks; a directory that cannot be read.
    pub async fn compare_documents(
        &self,
        (source, target): (Side<'_>, Side<'_>),
        trees: &[String],
    ) -> Result<Compared> {
        let (from, to) = tokio::try_join!(self.lister(source, trees, false), self.lister(target, trees, true))?;
        Compared::of(from, to)
    }

    /// Brings the second side to the first, from how they were found. Gives the second side's last listing as well.
    ///
    /// # Errors
    /// As [`Cluster::copy_documents`], and what `approval` says.
    pub async fn bring_documents(
        &self,
        mut compared: Compared,
        approval: &impl Approval,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(Copied, Manifest)> {
        let copied = self.passes(&mut compared, approval, progress).await?;
        let old = std::mem::take(&mut compared.old);
        compared.end().await;
        Ok((copied, old))
    }

    async fn passes(
        &self,
        compared: &mut Compared,
        approval: &impl Approval,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Copied> {
        let Compared { from, to, new, old, delta, approved } = compared;
        let mut copied = Copied::default();
        let mut last: Option<Pass> = None;
        loop {
            copied.unchanged = delta.unchanged;
            copied.special = delta.special;
            if delta.is_empty() {
                return Ok(copied);
            }
            let torn =
                |new: &Manifest, path: &[u8]| last.as_ref().is_some_and(|pass| pass.read_while_changing(new, path));
            if copied.passes == PASSES {
                let pass = last.as_ref().context("a pass was made")?;
                let judged = pass.judge(new, old, delta, |path| torn(new, path));
                copied.changed_while_read = judged.with_context(|| format!("{} {}", to.pod, to.root))?;
                return Ok(copied);
            }
            if copied.passes > 0 || !*approved {
                approval.approve(from, new, delta).await?;
            }
            copied.passes += 1;
            let already = copied.bytes;
            let before = std::mem::take(new);
            let told = |bytes| progress(already + bytes);
            let (pass, now, there) = pass::run(&self.client, (from, to), before, old, delta, &told).await?;
            copied.files += pass.files();
            copied.bytes += pass.bytes();
            copied.removed += delta.removed;
            has_all(from, to, &now)?;
            *delta = diff(&now, &there, |path| pass.read_while_changing(&now, path));
            (*new, *old) = (now, there);
            last = Some(pass);
        }
    }
}

/// What the source lacks would be removed from the target.
fn has_all(from: &Lister, to: &Lister, new: &Manifest) -> Result<()> {
    match new.missing.first() {
        Some(missing) => bail!("{} has no {}/{missing}: nothing was removed in {}", from.pod, from.root, to.pod),
        None => Ok(()),
    }
}

/// A second pass sends what changed during the first; what changes during that is reported.
const PASSES: u32 = 2;
