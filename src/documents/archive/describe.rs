//! Headers that describe the next member: long names, pax records.
use super::read::text;
use crate::documents::manifest::{Time, nanos};
use anyhow::{Context, Result, bail};

/// What came before the header that it is about.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<Time>,
}

impl Overrides {
    pub(super) fn extend(&mut self, kind: u8, mut bytes: Vec<u8>) -> Result<()> {
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
