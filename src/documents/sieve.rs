//! What goes through from the source's archive to the target's: the members that were asked for, as they were asked for.
use super::archive::{Format, Member, Piece, Reader, end, header, padding};
use super::frames::{Chunk, Framer};
use super::manifest::{Entry, Kind, Manifest, Time};
use anyhow::Result;
use std::collections::HashMap;

/// How a member went through, where that differs from what the manifest said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub mode: u16,
    pub size: u64,
    pub mtime: Time,
    pub link: Vec<u8>,
}

/// Reads the source's stream, and makes the target's.
#[derive(Debug)]
pub struct Sieve<'a> {
    source: &'a Manifest,
    reader: Reader,
    out: Outgoing<'a>,
}

#[derive(Debug)]
struct Outgoing<'a> {
    source: &'a Manifest,
    framer: Framer,
    full: Vec<Chunk>,
    format: Format,
    owner: (u32, u32),
    wanted: Vec<bool>,
    arrived: Vec<bool>,
    otherwise: HashMap<usize, Sent>,
    /// The padding of the member that is going through; none while one is dropped.
    passing: Option<usize>,
    /// Directories that go at the end, where they are to.
    late: Option<Vec<usize>>,
    bytes: u64,
}

/// What went through, when all has.
#[derive(Debug)]
pub struct Passed {
    pub arrived: Vec<bool>,
    pub otherwise: HashMap<usize, Sent>,
    pub bytes: u64,
}

impl<'a> Sieve<'a> {
    /// Lets the entries of `source` at `wanted` through.
    pub fn new(source: &'a Manifest, wanted: &[usize], framer: Framer, format: Format, owner: (u32, u32)) -> Self {
        let mut asked = vec![false; source.entries().len()];
        wanted.iter().for_each(|&at| asked[at] = true);
        let arrived = vec![false; asked.len()];
        let (full, otherwise) = (Vec::new(), HashMap::new());
        let out = Outgoing {
            source,
            framer,
            full,
            format,
            owner,
            wanted: asked,
            arrived,
            otherwise,
            passing: None,
            late: None,
            bytes: 0,
        };
        Self { source, reader: Reader::default(), out }
    }

    /// For a source that sends in an order of its own, and a target whose tar forgets a directory's time when it makes something in it:
    /// directories go last, the deepest first.
    pub fn directories_last(mut self) -> Self {
        self.out.late = Some(Vec::new());
        self
    }

    /// Takes what the source sent; gives what the target shall get.
    ///
    /// # Errors
    /// The source's stream is no archive.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Chunk>> {
        let out = &mut self.out;
        self.reader.feed(bytes, &mut |piece| {
            out.take(&piece);
            Ok(())
        })?;
        Ok(std::mem::take(&mut self.out.full))
    }

    /// Content that has gone through so far.
    pub fn bytes(&self) -> u64 {
        self.out.bytes
    }

    /// The rest of the stream, with its end.
    ///
    /// # Errors
    /// The source's stream was cut: then the target must not see an end.
    pub fn finish(mut self) -> Result<(Vec<Chunk>, Passed)> {
        debug_assert_eq!(self.source.entries().len(), self.out.wanted.len());
        self.reader.finish()?;
        self.out.send_late();
        self.out.push(&end());
        let mut last = std::mem::take(&mut self.out.full);
        last.extend(self.out.framer.end());
        Ok((last, Passed { arrived: self.out.arrived, otherwise: self.out.otherwise, bytes: self.out.bytes }))
    }
}

impl Outgoing<'_> {
    fn push(&mut self, bytes: &[u8]) {
        self.full.extend(self.framer.push(bytes));
    }

    fn take(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Member(member) => {
                self.passing = self.admit(member).and_then(|at| {
                    self.arrived[at] = true;
                    if let Some(late) = self.late.as_mut().filter(|_| member.kind == Kind::Directory) {
                        late.push(at);
                        return None;
                    }
                    let header = header(member, self.format, self.owner);
                    self.push(&header);
                    Some(padding(member.size))
                });
            }
            Piece::Data(bytes) if self.passing.is_some() => {
                self.push(bytes);
                self.bytes += bytes.len() as u64;
            }
            Piece::Data(_) => {}
            Piece::End => {
                if let Some(padding) = self.passing.take() {
                    self.push(&vec![0; padding]);
                }
            }
        }
    }

    /// In the order of paths a directory comes before all that is in it.
    fn send_late(&mut self) {
        let mut late = self.late.take().unwrap_or_default();
        late.sort_unstable_by(|a, b| b.cmp(a));
        for at in late {
            let entry = self.source.entries()[at];
            let (path, link) = (self.source.path(&entry).to_vec(), Vec::new());
            let member = Member { path, kind: Kind::Directory, link, mode: entry.mode, size: 0, mtime: entry.mtime };
            let header = header(&member, self.format, self.owner);
            self.push(&header);
        }
    }

    /// Only what was asked for, once, and of the type that it had: a file that became a link meanwhile waits for the next pass.
    fn admit(&mut self, member: &Member) -> Option<usize> {
        let at = self.source.position(&member.path)?;
        let entry = &self.source.entries()[at];
        let fits = self.wanted[at] && !self.arrived[at] && entry.kind == member.kind;
        let hard = member.kind == Kind::File && !member.link.is_empty();
        let linked = || {
            let other = self.source.position(&member.link);
            member.size == 0 && other.is_some_and(|at| self.arrived[at] && self.source.entries()[at].kind == Kind::File)
        };
        if !fits || (hard && !linked()) || (member.kind != Kind::File && member.size > 0) {
            return None;
        }
        if !hard && !self.same(entry, member) {
            let Member { mode, size, mtime, ref link, .. } = *member;
            self.otherwise.insert(at, Sent { mode, size, mtime, link: link.clone() });
        }
        Some(at)
    }

    fn same(&self, entry: &Entry, member: &Member) -> bool {
        let size = entry.kind != Kind::File || entry.size == member.size;
        let time = entry.mtime == member.mtime || entry.kind == Kind::Link;
        let mode = entry.mode == member.mode || entry.kind == Kind::Link;
        size && time && mode && self.source.link(entry) == &member.link[..]
    }
}

#[cfg(test)]
mod tests;
