//! Reads members out of a stream that comes in pieces of any size.
use super::{BLOCK, Member, checksum, field, padding};
use crate::documents::manifest::{Kind, Time, nanos};
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

/// What came before the header that it is about.
#[derive(Debug, Default)]
struct Overrides {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<Time>,
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
            let used = self.some(bytes, take)?;
            bytes = &bytes[used..];
        }
        Ok(())
    }

    /// As much as belongs to the present state: how many bytes that were.
    fn some(&mut self, bytes: &[u8], take: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<usize> {
        let used = match &mut self.state {
            State::Header(block) => {
                let used = bytes.len().min(BLOCK - block.len());
                block.extend_from_slice(&bytes[..used]);
                if block.len() == BLOCK {
                    let block = std::mem::take(block);
                    self.header(&block, take)?;
                }
                used
            }
            State::Extension { kind, bytes: gathered, size, padded } => {
                let used = bytes.len().min(*padded - gathered.len());
                gathered.extend_from_slice(&bytes[..used]);
                if gathered.len() == *padded {
                    gathered.truncate(*size);
                    let (kind, gathered) = (*kind, std::mem::take(gathered));
                    self.overrides.extend(kind, gathered)?;
                    self.state = State::Header(Vec::new());
                }
                used
            }
            State::Data { left, padding } => {
                let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                take(Piece::Data(&bytes[..used]))?;
                *left -= used as u64;
                if *left == 0 {
                    let padding = *padding;
                    self.state = State::padding(padding);
                    take(Piece::End)?;
                }
                used
            }
            State::Padding(left) => {
                let used = bytes.len().min(*left);
                self.skip(used)
            }
        };
        Ok(used)
    }

    fn skip(&mut self, used: usize) -> usize {
        if let State::Padding(left) = &mut self.state {
            *left -= used;
            if *left == 0 {
                self.state = State::Header(Vec::new());
            }
        }
        used
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

impl Overrides {
    fn extend(&mut self, kind: u8, mut bytes: Vec<u8>) -> Result<()> {
        match kind {
            b'L' | b'K' => {
                bytes.truncate(text(&bytes).len());
                *(if kind == b'L' { &mut self.path } else { &mut self.link }) = Some(bytes);
            }
            b'x' => self.pax(&bytes).context("a damaged pax header")?,
            // Global: nothing in it that this tool asked for.
            _ => {}
        }
        Ok(())
    }

    /// Records `LENGTH KEY=VALUE\n`. Of the many keys only those that matter here.
    fn pax(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let space = bytes.iter().position(|&byte| byte == b' ').context("no length")?;
            let length: usize = str::from_utf8(&bytes[..space])?.parse()?;
            let record = bytes.get(space + 1..length).context("a wrong length")?;
            bytes = &bytes[length..];
            let record = record.strip_suffix(b"\n").context("no end")?;
            let equals = record.iter().position(|&byte| byte == b'=').context("no value")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(str::from_utf8(value)?.parse()?),
                b"mtime" => self.mtime = Some(time(str::from_utf8(value)?)?),
                // The content would not be the file's.
                key if key.starts_with(b"GNU.sparse") => bail!("a sparse member"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// `1700000000.123456789`; before 1970 a true negative number.
fn time(value: &str) -> Result<Time> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let (seconds, nanos) = (whole.parse::<i64>()?, nanos(fraction)?);
    Ok(match whole.starts_with('-') && nanos > 0 {
        true => Time { seconds: seconds - 1, nanos: 1_000_000_000 - nanos },
        false => Time { seconds, nanos },
    })
}

/// Up to the first NUL.
fn text(bytes: &[u8]) -> &[u8] {
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
