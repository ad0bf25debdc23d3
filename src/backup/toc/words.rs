//! Integers and texts, as `pg_dump` writes them.

/// Reads on in bytes of which more may come. Once they did not suffice, nothing more is read.
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
    short: bool,
}

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, short: false }
    }

    /// How much was read, if all that was asked for was there.
    pub(super) fn used(&self) -> Option<usize> {
        (!self.short).then_some(self.at)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)).filter(|_| !self.short);
        match found {
            Some(_) => self.at += count,
            None => self.short = true,
        }
        found
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.bytes(count);
    }

    /// A sign, and four bytes with the lowest first.
    pub(super) fn int(&mut self) -> Option<i64> {
        let [sign, value @ ..] = self.bytes(5)? else { return None };
        let value = value.iter().rev().fold(0, |sum, &byte| (sum << 8) | i64::from(byte));
        Some(if *sign == 0 { value } else { -value })
    }

    /// Its length before it; negative where there is none. Names of an encoding that is not UTF-8 are not compared.
    pub(super) fn text(&mut self) -> Option<Option<&'a str>> {
        let Ok(length) = usize::try_from(self.int()?) else { return Some(None) };
        Some(Some(str::from_utf8(self.bytes(length)?).unwrap_or_default()))
    }
}
