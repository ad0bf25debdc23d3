//! The table of contents of a dump (`pg_dump -Fc`), and whether the data that it promises is there, read as the dump passes.
//!
//! The layout is that of `ReadHead` and `ReadToc` in PostgreSQL's `pg_backup_archiver.c`, and of the blocks in `pg_backup_custom.c`: archives
//! of version 1.12 to 1.16, which is PostgreSQL 9.0 to 18. What `pg_restore --list` said of these bytes when the dump was made lies in the
//! set, so the two can be compared, and no Pod is needed to run it again. Of a newer version nothing is said.
mod words;

use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use std::mem;
use words::Words;

/// Reads a dump that comes in pieces of any size.
#[derive(Debug, Default)]
pub struct Reader {
    pending: Vec<u8>,
    /// Where in the dump `pending` begins.
    at: u64,
    state: State,
    minor: u8,
    toc: Toc,
}

/// What a dump holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Toc {
    /// The beginning of each entry's line in what `pg_restore --list` prints: `ID; CATALOG OID WHAT `.
    pub entries: Vec<String>,
    /// Entries whose data is still to come, and where that begins, as far as the dump tells.
    awaited: HashMap<i64, Option<u64>>,
    /// How many had theirs.
    pub blocks: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    /// So many entries are still to come.
    Entries(i64),
    /// The data of an entry begins, or the dump ends.
    Block,
    Chunk,
    Data(u64),
    /// Another version than those that are known here.
    Unknown,
}

const MAGIC: &[u8] = b"PGDMP";
/// Bytes of an integer and of an offset, on every machine of this century; and the format that has all in one file.
const PLAIN: [u8; 3] = [4, 8, 1];
const OLDEST: u8 = 12;
const NEWEST: u8 = 16;
const DATA: u8 = 1;
/// What the dump says of an entry's data: where it is; that there is none.
const AT: u8 = 2;
const NO_DATA: u8 = 3;
/// No entry is longer.
const LONGEST: usize = 16 << 20;

impl Reader {
    /// # Errors
    /// This is no dump, or is damaged.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        let mut pending = mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let mut used = 0;
        while let Some(took) = self.take(&pending[used..])? {
            used += took;
            self.at += took as u64;
        }
        pending.drain(..used);
        ensure!(pending.len() <= LONGEST, "an entry of its table of contents has no end");
        self.pending = pending;
        Ok(())
    }

    /// What the dump holds; `None` for one of a version that is not known.
    ///
    /// # Errors
    /// It was cut, or lacks the data of an entry.
    pub fn finish(self) -> Result<Option<Toc>> {
        match self.state {
            State::Unknown => return Ok(None),
            State::Block if self.pending.is_empty() => {}
            _ => bail!("it was cut"),
        }
        let lacking = self.toc.awaited.len();
        ensure!(lacking == 0, "it lacks the data of {lacking} entries of its table of contents");
        Ok(Some(self.toc))
    }

    /// How many bytes were understood; `None` where more must come first.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut words = Words::new(bytes);
        match self.state {
            State::Head => self.head(&mut words)?,
            State::Entries(left) => {
                let Some(entry) = Entry::read(&mut words, self.minor) else { return Ok(None) };
                self.toc.add(entry)?;
                self.state = if left > 1 { State::Entries(left - 1) } else { State::Block };
            }
            State::Block => self.block(&mut words)?,
            State::Chunk => match words.int() {
                Some(0) => self.state = State::Block,
                Some(length) => self.state = State::Data(u64::try_from(length).context("a chunk of negative length")?),
                None => {}
            },
            State::Data(left) => {
                let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                words.skip(used);
                self.state = if left == used as u64 { State::Chunk } else { State::Data(left - used as u64) };
            }
            State::Unknown => words.skip(bytes.len()),
        }
        Ok(words.used())
    }

    fn head(&mut self, words: &mut Words<'_>) -> Result<()> {
        let Some(start) = words.bytes(MAGIC.len() + 6) else { return Ok(()) };
        let [major, minor, _, plain @ ..] = &start[MAGIC.len()..] else { return Ok(()) };
        ensure!(start.starts_with(MAGIC), "it is no dump of pg_dump");
        if *major != 1 || !(OLDEST..=NEWEST).contains(minor) || plain != PLAIN {
            self.state = State::Unknown;
            return Ok(());
        }
        self.minor = *minor;
        // How it is compressed, when it was made, of which database, by which versions.
        match minor {
            15.. => words.skip(1),
            _ => words.skip(5),
        }
        // Seven numbers of five bytes.
        words.skip(7 * 5);
        for _ in 0..3 {
            words.text();
        }
        match words.int() {
            Some(0) => self.state = State::Block,
            Some(count) => self.state = State::Entries(count),
            None => {}
        }
        Ok(())
    }

    fn block(&mut self, words: &mut Words<'_>) -> Result<()> {
        let (Some(kind), Some(id)) = (words.bytes(1), words.int()) else { return Ok(()) };
        ensure!(kind == [DATA], "its data is of an unknown kind, at byte {}", self.at);
        let place =
            self.toc.awaited.remove(&id).with_context(|| format!("it has data of no entry, at byte {}", self.at))?;
        ensure!(place.is_none_or(|place| place == self.at), "the data of entry {id} is not where it must be");
        self.toc.blocks += 1;
        self.state = State::Chunk;
        Ok(())
    }
}

struct Entry {
    id: i64,
    line: String,
    /// Where its data begins, if it has any, and if that is told.
    data: Option<Option<u64>>,
}

impl Entry {
    fn read(words: &mut Words<'_>, minor: u8) -> Option<Self> {
        let id = words.int()?;
        words.int()?;
        let (catalog, oid) = (words.text()??, words.text()??);
        words.text()?;
        let what = words.text()??;
        let line = [&id.to_string(), "; ", catalog, " ", oid, " ", what, " "].concat();
        words.int()?;
        // Definition, drop, copy, namespace, tablespace, and the access method.
        for _ in 0..if minor >= 14 { 6 } else { 5 } {
            words.text()?;
        }
        if minor >= 16 {
            words.int()?;
        }
        // Owner, and whether it has OIDS.
        words.text()?;
        words.text()?;
        while words.text()?.is_some() {}
        let [state, place @ ..] = words.bytes(9)? else { return None };
        let place = place.iter().rev().fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
        let data = (*state != NO_DATA).then_some((*state == AT).then_some(place));
        Some(Self { id, line, data })
    }
}

impl Toc {
    fn add(&mut self, entry: Entry) -> Result<()> {
        self.entries.push(entry.line);
        if let Some(place) = entry.data {
            ensure!(self.awaited.insert(entry.id, place).is_none(), "it has two entries {}", entry.id);
        }
        Ok(())
    }

    /// Compares it with what `pg_restore --list` has printed; it leaves out what it does not restore one by one.
    ///
    /// # Errors
    /// The list has an entry that the dump does not have; it has none at all.
    pub fn agrees(&self, list: &str) -> Result<()> {
        let mut lines = list.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty()).peekable();
        ensure!(lines.peek().is_some(), "pg_restore found nothing in it when it was made");
        let known: HashMap<&str, &str> =
            self.entries.iter().filter_map(|entry| Some((entry.split_once(';')?.0, entry.as_str()))).collect();
        for line in lines {
            let entry = line.split_once(';').and_then(|(id, _)| known.get(id));
            ensure!(
                entry.is_some_and(|entry| line.starts_with(entry)),
                "it has no entry {line:?}, which pg_restore found in it when it was made"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
