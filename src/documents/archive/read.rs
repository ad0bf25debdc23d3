//! Reads members out of a stream that comes in pieces of any size.
use super::describe::Overrides;
use super::{BLOCK, Member, checksum, field, padding};
use crate::documents::manifest::{Kind, Time};
use anyhow::{Context, Result, bail, ensure};

/// What a stream of archives consists of.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Member(&'a Member),
    /// Content of the member named last.
    Data(&'a [u8]),
    /// The content of the member named last is whole.
    End,
}

/// A header that describes the next member is read into memory: no honest one is longer.
const LONGEST: u64 = 1 << 20;

#[derive(Debug)]
enum State {
    /// A header, gathered up to its block.
    Header(Vec<u8>),
    /// A description of the next member: its type, its bytes so far, how many belong to it, and to its blocks.
    Extension {
        kind: u8,
        bytes: Vec<u8>,
        size: usize,
        padded: usize,
    },
    Data {
        left: u64,
        padding: usize,
    },
    Padding(usize),
}

/// Reads one archive after the other.
#[derive(Debug)]
pub struct Reader {
    state: State,
    overrides: Overrides,
    ended: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self { state: State::Header(Vec::new()), overrides: Overrides::default(), ended: false }
    }
}

impl Reader {
    /// # Errors
    /// This is no archive, or `take` fails.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Header(block) => {
                    let used = fill(block, BLOCK, bytes);
                    if block.len() == BLOCK {
                        let block = std::mem::take(block);
                        self.header(&block, take)?;
                    }
                    used
                }
                State::Extension { kind, bytes: gathered, size, padded } => {
                    let used = fill(gathered, *padded, bytes);
                    if gathered.len() == *padded {
                        gathered.truncate(*size);
                        let (kind, gathered) = (*kind, std::mem::take(gathered));
                        self.overrides.extend(kind, gathered)?;
                        self.state = State::padding(0);
                    }
                    used
                }
                State::Data { .. } => self.data(bytes, take)?,
                State::Padding(left) => {
                    let used = bytes.len().min(*left);
                    self.state = State::padding(*left - used);
                    used
                }
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], take: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<usize> {
        let State::Data { left, padding } = &mut self.state else {
            return Ok(0);
        };
        let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
        take(Piece::Data(&bytes[..used]))?;
        *left -= used as u64;
        if *left == 0 {
            self.state = State::padding(*padding);
            take(Piece::End)?;
        }
        Ok(used)
    }

    /// # Errors
    /// The last archive has no end.
    pub fn finish(&self) -> Result<()> {
        let whole = self.ended && matches!(&self.state, State::Header(block) if block.is_empty());
        ensure!(whole, "the stream of files was cut");
        Ok(())
    }

    fn header(&mut self, block: &[u8], take: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        if block.iter().all(|&byte| byte == 0) {
            self.ended = true;
            self.state = State::Header(Vec::new());
            return Ok(());
        }
        self.ended = false;
        ensure!(
            number(&block[field::CHECKSUM])? == i64::from(checksum(block)),
            "the stream of files is damaged: a wrong checksum"
        );
        let size = u64::try_from(number(&block[field::SIZE])?).context("a negative size")?;
        let kind = block[field::TYPE];
        if matches!(kind, b'x' | b'g' | b'L' | b'K') {
            ensure!(size <= LONGEST, "a description of {size} bytes for one file");
            let padded = size as usize + padding(size);
            ensure!(padded > 0, "an empty description of a file");
            self.state = State::Extension { kind, bytes: Vec::new(), size: size as usize, padded };
            return Ok(());
        }
        let member = member(block, size, std::mem::take(&mut self.overrides))?;
        take(Piece::Member(&member))?;
        self.state = match member.size {
            0 => {
                take(Piece::End)?;
                State::Header(Vec::new())
            }
            size => State::Data { left: size, padding: padding(size) },
        };
        Ok(())
    }
}

impl State {
    fn padding(size: usize) -> Self {
        match size {
            0 => Self::Header(Vec::new()),
            size => Self::Padding(size),
        }
    }
}

/// Adds to what is gathered until it is `whole` bytes long; how many that took.
fn fill(gathered: &mut Vec<u8>, whole: usize, bytes: &[u8]) -> usize {
    let used = bytes.len().min(whole - gathered.len());
    gathered.extend_from_slice(&bytes[..used]);
    used
}

fn member(block: &[u8], size: u64, overrides: Overrides) -> Result<Member> {
    let kind = match block[field::TYPE] {
        0 | b'0' | b'1' | b'7' => Kind::File,
        b'2' => Kind::Link,
        b'5' => Kind::Directory,
        b'3' | b'4' | b'6' => Kind::Special,
        other => bail!("a member of the unknown type {:?}", char::from(other)),
    };
    let mut path = overrides.path.unwrap_or_else(|| {
        let prefix = match &block[field::MAGIC] {
            b"ustar\x0000" => text(&block[field::PREFIX]),
            _ => b"",
        };
        [prefix, text(&block[field::NAME])].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/')
    });
    while path.ends_with(b"/") {
        path.pop();
    }
    let link = match block[field::TYPE] {
        b'1' | b'2' => overrides.link.unwrap_or_else(|| text(&block[field::LINK]).to_vec()),
        _ => Vec::new(),
    };
    let seconds = number(&block[field::MTIME])?;
    Ok(Member {
        path,
        kind,
        link,
        mode: (number(&block[field::MODE])? & 0o7777) as u16,
        size: overrides.size.unwrap_or(size),
        mtime: overrides.mtime.unwrap_or(Time { seconds, nanos: 0 }),
    })
}

/// Up to the first NUL.
pub(super) fn text(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len())]
}

/// Octal digits, or for what is too big for them or negative, base 256 with the highest bit set.
fn number(bytes: &[u8]) -> Result<i64> {
    if bytes[0] & 0x80 != 0 {
        let first = match bytes[0] {
            0xff => -1,
            first => i128::from(first & 0x7f),
        };
        let value = bytes[1..].iter().fold(first, |value, &byte| (value << 8) | i128::from(byte));
        return i64::try_from(value).context("a number that is too big");
    }
    let digits = str::from_utf8(text(bytes)).context("a number that is none")?.trim();
    match digits {
        "" => Ok(0),
        digits => i64::from_str_radix(digits, 8).with_context(|| format!("{digits:?} is no number")),
    }
}
