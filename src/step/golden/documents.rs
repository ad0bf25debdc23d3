//! A checkpoint's documents: the two sides of a copy, and whether what would be sent is still what was saved.
use crate::cluster::documents::{Approval, Lister, Side};
use crate::cluster::exec::PodRef;
use crate::cluster::talk::framed;
use crate::documents::delta::Delta;
use crate::documents::manifest::{Kind, Manifest};
use crate::golden::difference::Files;
use crate::step::Context;
use anyhow::{Context as _, Result, bail};

pub(super) fn sides<'a>(
    (source, from): (&'a PodRef, &'a str),
    (target, to): (&'a PodRef, &'a str),
) -> (Side<'a>, Side<'a>) {
    (Side { pod: source, root: from }, Side { pod: target, root: to })
}

impl Context<'_> {
    /// The sandbox's Pod that has the documents.
    pub(in crate::step) async fn sandbox_pod(&self) -> Result<PodRef> {
        let (sandbox, container) = (&self.settings.sandbox, self.settings.container.as_deref());
        self.cluster.ready_pod(&sandbox.namespace, &self.found.sandbox.selector, container).await
    }
}

/// Compares the documents that would be sent with the sums that were taken when they were saved. The lister is `golden-verify.sh`.
pub(super) struct Sums<'a> {
    pub name: &'a str,
}

impl Sums<'_> {
    /// At least the dump and its manifest, beside the list of sums.
    pub(super) const OWN_FILES: usize = 2;
}

impl Approval for Sums<'_> {
    async fn approve(&self, from: &mut Lister, source: &Manifest, delta: &Delta) -> Result<()> {
        let files = delta.send.iter().map(|&at| &source.entries()[at]).filter(|entry| entry.kind == Kind::File);
        let paths: Vec<&[u8]> = files.map(|entry| source.path(entry)).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let odd = from.ask("sums", framed(&paths)).await;
        let odd = odd.with_context(|| format!("cannot verify the documents of {}", self.name))?;
        let odd = String::from_utf8_lossy(&odd);
        let names: Vec<&str> = odd.lines().filter_map(|line| Some(line.split_once("  ")?.1)).take(5).collect();
        match names.as_slice() {
            [] => Ok(()),
            names => bail!("checkpoint {} is damaged: {} is not what was saved", self.name, names.join(", ")),
        }
    }
}

/// What was added, changed and removed since `then`; directories are no news. What `changed` says is, even where it looks the same.
pub(super) fn differing(then: &Manifest, now: &Manifest, changed: impl Fn(&[u8]) -> bool) -> Files {
    use crate::documents::delta::Comparison;
    use crate::documents::shown;
    let same = Comparison::of(then, now);
    let mut files = Files::default();
    for entry in then.entries().iter().filter(|entry| entry.kind != Kind::Directory) {
        let path = then.path(entry);
        match now.find(path) {
            None => files.removed.push(shown(path)),
            Some(found) if !same.entries(entry, found) || changed(path) => files.changed.push(shown(path)),
            Some(_) => {}
        }
    }
    for entry in now.entries().iter().filter(|entry| entry.kind != Kind::Directory) {
        let path = now.path(entry);
        if then.find(path).is_none() && entry.kind != Kind::Special {
            files.added.push(shown(path));
        }
    }
    files
}
