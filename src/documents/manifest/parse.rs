//! The records of the script, as they come.
use super::{Dialect, Entry, Head, Kind, Manifest, Time, tree_of};
use anyhow::{Context, Result, bail, ensure};

/// Reads records as they arrive, in pieces of any size.
#[derive(Debug, Default)]
pub struct Parser {
    manifest: Manifest,
    pending: Vec<u8>,
    begun: bool,
    ended: bool,
    /// The fields of an entry whose path and link are still to come.
    fields: Option<Entry>,
    path: Option<usize>,
}

impl Parser {
    /// # Errors
    /// Something that the script does not write.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(end) = bytes.iter().position(|&byte| byte == 0) {
            let (record, rest) = (&bytes[..end], &bytes[end + 1..]);
            match self.pending.is_empty() {
                true => self.record(record)?,
                false => {
                    let mut pending = std::mem::take(&mut self.pending);
                    pending.extend_from_slice(record);
                    self.record(&pending)?;
                }
            }
            bytes = rest;
        }
        self.pending.extend_from_slice(bytes);
        ensure!(self.pending.len() < 1 << 20, "a record of the list has no end");
        Ok(())
    }

    fn record(&mut self, record: &[u8]) -> Result<()> {
        ensure!(!self.ended, "the list goes on behind its end");
        if let Some(mut entry) = self.fields.take() {
            if self.path.is_none() {
                self.path = Some(self.manifest.text.len());
                entry.path = u32::try_from(record.len())?;
                self.fields = Some(entry);
            } else {
                entry.text = self.path.take().unwrap_or_default();
                entry.link = u32::try_from(record.len())?;
                self.manifest.entries.push(entry);
            }
            self.manifest.text.extend_from_slice(record);
            return Ok(());
        }
        let line = str::from_utf8(record).context("a record of the list is not text")?;
        match line.split_once(' ').unwrap_or((line, "")) {
            ("head", rest) if !self.begun => {
                self.manifest.head = head(rest).with_context(|| format!("cannot read the list's head {line:?}"))?;
                self.begun = true;
            }
            ("missing", tree) => self.manifest.missing.push(tree.to_owned()),
            ("end", "") => self.ended = true,
            _ => {
                ensure!(self.begun, "the list has no head");
                let entry = entry(line, self.manifest.head.dialect);
                self.fields = Some(entry.with_context(|| format!("cannot read the list's record {line:?}"))?);
            }
        }
        Ok(())
    }

    /// Its end has come.
    pub fn is_whole(&self) -> bool {
        self.ended
    }

    /// The manifest, if the list is whole and stays inside `trees`.
    ///
    /// # Errors
    /// The list was cut, or leads elsewhere.
    pub fn finish(mut self, trees: &[String]) -> Result<Manifest> {
        ensure!(self.ended && self.pending.is_empty(), "the list of files was cut");
        self.manifest.sort();
        self.manifest.check(tree_of(trees))?;
        Ok(self.manifest)
    }
}

fn head(text: &str) -> Result<Head> {
    let words: Vec<&str> = text.split(' ').collect();
    let [dialect, tar, now, user, owner, group] = words[..] else { bail!("{} words", words.len()) };
    let dialect = match dialect {
        "printf" => Dialect::Printf,
        "stat" => Dialect::Stat,
        other => bail!("unknown dialect {other}"),
    };
    let owner = owner.parse().ok().zip(group.parse().ok());
    Ok(Head { dialect, gnu_tar: tar == "gnu", now: now.parse()?, user: user.parse().ok(), owner })
}

fn entry(line: &str, dialect: Dialect) -> Result<Entry> {
    let words: Vec<&str> = line.split(' ').collect();
    let (kind, mode, size, mtime, ctime) = match (dialect, &words[..]) {
        (Dialect::Printf, &[kind, mode, size, mtime, ctime]) => {
            let kind = match kind {
                "f" => Kind::File,
                "d" => Kind::Directory,
                "l" => Kind::Link,
                _ => Kind::Special,
            };
            (kind, u16::from_str_radix(mode, 8)?, size, mtime, ctime)
        }
        (Dialect::Stat, &[mode, size, mtime, ctime]) => {
            let mode = u16::from_str_radix(mode, 16)?;
            let kind = match mode >> 12 {
                0o10 => Kind::File,
                0o4 => Kind::Directory,
                0o12 => Kind::Link,
                _ => Kind::Special,
            };
            (kind, mode & 0o7777, size, mtime, ctime)
        }
        _ => bail!("{} words", words.len()),
    };
    let (mtime, ctime) = (time(mtime)?, time(ctime)?);
    Ok(Entry { kind, mode, size: size.parse()?, mtime, ctime, text: 0, path: 0, link: 0 })
}

/// As find writes it: `1700000000.1234567890`. Before 1970 GNU find rounds the seconds down and still adds the fraction: -1.25 is `-2.75`.
fn time(text: &str) -> Result<Time> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    Ok(Time { seconds: seconds.parse()?, nanos: nanos(fraction)? })
}

/// The nine first digits of a fraction.
pub(in crate::documents) fn nanos(fraction: &str) -> Result<u32> {
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    Ok(digits.parse()?)
}
