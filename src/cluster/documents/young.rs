//! Documents that were written to a short while ago: size and time do not tell whether they are the same, their sums do.
use super::Compared;
use crate::cluster::talk::framed;
use crate::documents::delta::{Comparison, diff};
use crate::documents::manifest::Kind;
use anyhow::{Context, Result};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How far the clocks that matter differ, and how long it takes from when documents are read until a checkpoint has its time.
const MARGIN: i64 = 600;
const DAY: i64 = 86_400;
/// What a lister reads its files' sums by, of the paths that follow.
const SUMS: &str = "sums";
/// What a checkpoint's tells all of them by, as they were saved.
const SAVED: &str = "saved";

/// Files that look the same in both sides.
#[derive(Debug, Default)]
pub struct Alike {
    /// Their sums differ.
    pub changed: HashSet<Vec<u8>>,
    /// Of one side or both there is no sum.
    pub unknown: HashSet<Vec<u8>>,
}

impl Compared {
    /// Compares the sums of the files that look the same in both sides and were written to since then, in seconds of Unix time. Those that are
    /// not known to be the same are sent as well.
    ///
    /// # Errors
    /// A connection that breaks.
    pub async fn compare_sums(&mut self, since: i64) -> Result<()> {
        let young = self.young(since);
        self.compare(young, SUMS).await.map(drop)
    }

    /// The same where the first side is a checkpoint that was taken at `taken`, by the sums of when it was saved, and only where a side tells
    /// times in whole seconds: else nothing is asked.
    ///
    /// # Errors
    /// A connection that breaks.
    pub async fn compare_saved(&mut self, taken: i64) -> Result<Alike> {
        if Comparison::of(&self.new, &self.old).is_exact() {
            return Ok(Alike::default());
        }
        let files = self.new.entries().iter().filter(|entry| entry.kind == Kind::File);
        let young = self.young(read_since(files.map(|entry| entry.mtime.seconds), taken));
        self.compare(young, SAVED).await
    }

    /// `word` is what the first side is asked by; the second one reads its files.
    async fn compare(&mut self, young: Vec<Vec<u8>>, word: &str) -> Result<Alike> {
        let mut alike = Alike::default();
        if young.is_empty() {
            return Ok(alike);
        }
        // The sha256sum of busybox does not escape a line break, so such a line says nothing sure.
        let asked: Vec<&[u8]> = young.iter().map(Vec::as_slice).filter(|path| !path.contains(&b'\n')).collect();
        let paths = framed(&asked);
        let more = if word == SAVED { Vec::new() } else { paths.clone() };
        let (new, old) = tokio::try_join!(self.from.ask(word, more), self.to.ask(SUMS, paths))
            .context("cannot compare the sums of what was written to of late")?;
        let (new, old) = (sums(&new), sums(&old));
        for path in young {
            match (new.get(&path[..]), old.get(&path[..])) {
                _ if path.contains(&b'\n') => alike.unknown.insert(path),
                (Some(new), Some(old)) if new == old => false,
                (Some(_), Some(_)) => alike.changed.insert(path),
                _ => alike.unknown.insert(path),
            };
        }
        let Alike { changed, unknown } = &alike;
        if !changed.is_empty() || !unknown.is_empty() {
            self.delta = diff(&self.new, &self.old, |path| changed.contains(path) || unknown.contains(path));
        }
        Ok(alike)
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

/// Since when a document of a checkpoint may have been written to, in seconds, that was written to once more after it was read and within
/// that second. Whatever is in the checkpoint was written before it was read, by the same clock: so none of an earlier second than the last
/// of them. But one may have got its time from elsewhere, so what the checkpoint's own time says counts too; and where all are old, none is young.
fn read_since(written: impl Iterator<Item = i64>, taken: i64) -> i64 {
    let last = written.filter(|&seconds| seconds <= taken + MARGIN).max();
    last.unwrap_or(taken).min(taken - MARGIN).max(taken - DAY)
}

/// By path.
fn sums(lines: &[u8]) -> HashMap<Cow<'_, [u8]>, &[u8]> {
    let lines = lines.split(|&byte| byte == b'\n');
    let sums = lines.filter_map(|line| match line.strip_prefix(b"\\") {
        Some(line) => Some((Cow::Owned(unescaped(line.get(66..)?)), &line[..64])),
        None => Some((Cow::Borrowed(line.get(66..)?), &line[..64])),
    });
    sums.collect()
}

/// As GNU's sha256sum escapes a path, which it says by a backslash in front of the line.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut bytes = path.iter().copied();
    let plain = std::iter::from_fn(|| match bytes.next()? {
        b'\\' => bytes.next().map(|byte| match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            byte => byte,
        }),
        byte => Some(byte),
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_after_what_is_in_it_was_written_whatever_the_clocks_say() {
        let taken = 1_000_000;
        let since = |written: &[i64]| read_since(written.iter().copied(), taken);
        // A margin always, as a time may come from elsewhere; no more where something was written in it.
        assert_eq!(since(&[]), taken - MARGIN);
        assert_eq!(since(&[1, taken - 5]), taken - MARGIN);
        // The Pod's clock is behind, or reading took long.
        assert_eq!(since(&[1, taken - 5_000]), taken - 5_000);
        // What comes from the future says nothing.
        assert_eq!(since(&[1, taken - 5_000, taken + 2 * MARGIN]), taken - 5_000);
        // Many of one time long ago.
        assert_eq!(since(&[1, 1, 1]), taken - DAY);
    }

    #[test]
    fn sums_are_known_by_their_paths_whichever_sha256sum_writes_them() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let lines = format!("{one}  ./a b\n\\{two}  ./odd\\\\na\\rme\ncut\n");
        let sums = sums(lines.as_bytes());
        assert_eq!(sums.len(), 2);
        assert_eq!(sums.get(&b"./a b"[..]), Some(&one.as_bytes()));
        assert_eq!(sums.get(&b"./odd\\na\rme"[..]), Some(&two.as_bytes()));
    }
}
