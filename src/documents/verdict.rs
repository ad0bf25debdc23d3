//! What a pass sent, and whether the target holds just that.
use super::delta::{Comparison, Delta, stirred};
use super::manifest::{Entry, Kind, Manifest};
use super::shown;
use super::sieve::{Passed, Sent};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// A pass that is done: what the source held before it, what was asked for, what went through.
#[derive(Debug)]
pub struct Pass {
    source: Manifest,
    wanted: Vec<bool>,
    passed: Passed,
}

impl Pass {
    pub fn new(source: Manifest, delta: &Delta, passed: Passed) -> Self {
        let mut wanted = vec![false; source.entries().len()];
        delta.send.iter().for_each(|&at| wanted[at] = true);
        Self { source, wanted, passed }
    }

    /// Files and links that went through.
    pub fn files(&self) -> u64 {
        let arrived = self.source.entries().iter().zip(&self.passed.arrived);
        arrived.filter(|(entry, arrived)| **arrived && entry.kind != Kind::Directory).count() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.passed.bytes
    }

    /// The source may have written to the file between the listing before this pass and the one after it.
    pub fn read_while_changing(&self, after: &Manifest, path: &[u8]) -> bool {
        let Some(at) = self.source.position(path).filter(|&at| self.passed.arrived[at]) else {
            return false;
        };
        let before = &self.source.entries()[at];
        before.kind == Kind::File && after.find(path).is_some_and(|new| stirred(&self.source, before, new))
    }

    /// After the last pass: what still differs must be the source's own later changes. Their paths.
    ///
    /// # Errors
    /// The target holds something else than was sent.
    pub fn judge(
        &self,
        new: &Manifest,
        old: &Manifest,
        delta: &Delta,
        torn: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<String>> {
        let same = Comparison::of(new, old);
        let (mut changed, mut wrong) = (Vec::new(), Vec::new());
        let sent = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
        let kept = delta.remove.iter().map(|&at| old.path(&old.entries()[at]));
        for path in sent.chain(kept).collect::<BTreeSet<_>>() {
            let (wished, found) = (new.find(path), old.find(path));
            if !self.explains(path, old, found) {
                wrong.push(shown(path));
            } else if torn(path) || !wished.zip(found).is_some_and(|(wished, found)| same.entries(wished, found)) {
                changed.push(shown(path));
            }
        }
        let some = wrong.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        ensure!(
            wrong.is_empty(),
            "holds something else than was sent, in {} places (does something write there?): {some}",
            wrong.len()
        );
        Ok(changed)
    }

    /// What was found in the target is what this pass sent, or left there.
    fn explains(&self, path: &[u8], target: &Manifest, found: Option<&Entry>) -> bool {
        let at = self.source.position(path).filter(|&at| self.source.entries()[at].kind != Kind::Special);
        let Some(at) = at else { return found.is_none() };
        if self.wanted[at] && !self.passed.arrived[at] {
            return true;
        }
        let (entry, Some(found)) = (&self.source.entries()[at], found) else {
            return false;
        };
        let same = Comparison::of(&self.source, target);
        let Some(Sent { mode, size, mtime, link }) = self.passed.otherwise.get(&at) else {
            return same.entries(entry, found);
        };
        entry.kind == found.kind
            && match entry.kind {
                Kind::Link => target.link(found) == link,
                _ => {
                    found.mode == *mode
                        && same.times(*mtime, found.mtime)
                        && (entry.kind != Kind::File || found.size == *size)
                }
            }
    }
}

#[cfg(test)]
mod tests;
