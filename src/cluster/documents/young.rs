//! Documents that were written to a short while ago: size and time do not tell whether they are the same, their sums do.
use super::Compared;
use crate::cluster::talk::framed;
use crate::documents::delta::{Comparison, diff};
use crate::documents::manifest::Kind;
use anyhow::{Context, Result};
use std::collections::{HashMap, HashSet};

impl Compared {
    /// Compares the sums of the files that look the same in both sides and were written to since then, in seconds of Unix time. Those that are
    /// not known to be the same are sent as well.
    ///
    /// # Errors
    /// A connection that breaks.
    pub async fn compare_sums(&mut self, since: i64) -> Result<()> {
        let young = self.young(since);
        if young.is_empty() {
            return Ok(());
        }
        // The sha256sum of busybox does not escape a line break, so such a line says nothing sure.
        let asked: Vec<&[u8]> = young.iter().map(Vec::as_slice).filter(|path| !path.contains(&b'\n')).collect();
        let paths = framed(&asked);
        let (new, old) = tokio::try_join!(self.from.ask("sums", paths.clone()), self.to.ask("sums", paths))
            .context("cannot compare the sums of what was written to of late")?;
        let (new, old) = (sums(&new), sums(&old));
        let known = |path: &[u8]| new.get(path).is_some_and(|sum| old.get(path) == Some(sum));
        let unknown: HashSet<&[u8]> = young.iter().map(Vec::as_slice).filter(|path| !known(path)).collect();
        if !unknown.is_empty() {
            self.delta = diff(&self.new, &self.old, |path| unknown.contains(path));
        }
        Ok(())
    }

    fn young(&self, since: i64) -> Vec<Vec<u8>> {
        let same = Comparison::of(&self.new, &self.old);
        let files = self.new.entries().iter().filter(|entry| entry.kind == Kind::File && entry.mtime.seconds >= since);
        let paths = files.filter_map(|entry| {
            let path = self.new.path(entry);
            self.old.find(path).filter(|old| same.entries(entry, old)).map(|_| path.to_vec())
        });
        paths.collect()
    }
}

/// By path. One that sha256sum escapes has no entry of its own: it is not known then.
fn sums(lines: &[u8]) -> HashMap<&[u8], &[u8]> {
    let lines = lines.split(|&byte| byte == b'\n');
    lines.filter_map(|line| Some((line.get(66..)?, &line[..64]))).collect()
}
