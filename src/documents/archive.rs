//! tar, as far as file trees need it: read from a pod that is not trusted, written anew for the other one.
//!
//! Nothing of the source's headers goes through: what arrives in the target is what this tool has understood.
mod describe;
mod read;
mod write;

pub use read::{Piece, Reader};
pub use write::{Format, end, header};

use super::manifest::{Kind, Time};

const BLOCK: usize = 512;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// As the archive has it, without slashes at its end.
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Of a link, or of a hard link to an earlier member (then `kind` is `File`).
    pub link: Vec<u8>,
    pub mode: u16,
    pub size: u64,
    pub mtime: Time,
}

/// How many zeros fill up the last block.
pub fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}

/// Where a header keeps what.
mod field {
    use std::ops::Range;
    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const UID: Range<usize> = 108..116;
    pub(super) const GID: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const MTIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const TYPE: usize = 156;
    pub(super) const LINK: Range<usize> = 157..257;
    pub(super) const MAGIC: Range<usize> = 257..265;
    pub(super) const PREFIX: Range<usize> = 345..500;
}

/// The sum over a header, its own field taken as spaces.
fn checksum(header: &[u8]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    sum(header) - sum(&header[field::CHECKSUM]) + 8 * u32::from(b' ')
}

#[cfg(test)]
mod tests;
