//! Writes headers that GNU tar and busybox tar read alike, and pax headers for those that know them.
use super::{BLOCK, Member, checksum, field, padding};
use crate::documents::manifest::{Kind, Time};
use std::ops::Range;

/// What the reader of the archive understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// POSIX: times in nanoseconds.
    Pax,
    /// Long names the GNU way, times in seconds: all that busybox knows.
    Gnu,
}

/// The header of a member, with the headers that describe it, in front of its content.
pub fn header(member: &Member, format: Format, (user, group): (u32, u32)) -> Vec<u8> {
    let hard = member.kind == Kind::File && !member.link.is_empty();
    let kind = match member.kind {
        Kind::File if hard => b'1',
        Kind::File => b'0',
        Kind::Directory => b'5',
        Kind::Link | Kind::Special => b'2',
    };
    let mut path = member.path.clone();
    if kind == b'5' {
        path.push(b'/');
    }
    let mut out = match format {
        Format::Pax => pax(&path, member),
        Format::Gnu => {
            [(b'L', &path), (b'K', &member.link)].into_iter().flat_map(|(kind, name)| long(kind, name)).collect()
        }
    };
    let mut block = block(format, kind, &path, &member.link, member.size);
    octal(&mut block, field::MODE, i64::from(member.mode));
    octal(&mut block, field::UID, i64::from(user));
    octal(&mut block, field::GID, i64::from(group));
    octal(&mut block, field::MTIME, member.mtime.seconds);
    seal(&mut block);
    out.extend_from_slice(&block);
    out
}

/// The end of an archive.
pub fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

fn block(format: Format, kind: u8, path: &[u8], link: &[u8], size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (range, name) in [(field::NAME, path), (field::LINK, link)] {
        let length = name.len().min(range.len());
        block[range.start..][..length].copy_from_slice(&name[..length]);
    }
    octal(&mut block, field::SIZE, i64::try_from(size).unwrap_or(i64::MAX));
    block[field::TYPE] = kind;
    block[field::MAGIC].copy_from_slice(match format {
        Format::Pax => b"ustar\x0000",
        Format::Gnu => b"ustar  \0",
    });
    block
}

fn seal(block: &mut [u8; BLOCK]) {
    let sum = format!("{:06o}\0 ", checksum(block));
    block[field::CHECKSUM].copy_from_slice(sum.as_bytes());
}

/// Octal where it fits, base 256 where not.
fn octal(block: &mut [u8; BLOCK], range: Range<usize>, value: i64) {
    let digits = range.len() - 1;
    let target = &mut block[range];
    if (0..1 << (3 * digits)).contains(&value) {
        target[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
        return;
    }
    let sign = if value < 0 { 0xff } else { 0 };
    target.fill(sign);
    let bytes = value.to_be_bytes();
    let length = target.len().min(bytes.len());
    let start = target.len() - length;
    target[start..].copy_from_slice(&bytes[bytes.len() - length..]);
    target[0] |= 0x80;
}

fn long(kind: u8, name: &[u8]) -> Vec<u8> {
    match name.len() > field::NAME.len() {
        true => extension(Format::Gnu, kind, b"././@LongLink", &[name, b"\0"].concat()),
        false => Vec::new(),
    }
}

fn pax(path: &[u8], member: &Member) -> Vec<u8> {
    let mut records = Vec::new();
    if path.len() > field::NAME.len() {
        record(&mut records, "path", path);
    }
    if member.link.len() > field::LINK.len() {
        record(&mut records, "linkpath", &member.link);
    }
    if member.mtime.nanos > 0 || member.mtime.seconds < 0 {
        record(&mut records, "mtime", decimal(member.mtime).as_bytes());
    }
    match records.is_empty() {
        true => records,
        false => extension(Format::Pax, b'x', b"./@pax", &records),
    }
}

fn decimal(Time { seconds, nanos }: Time) -> String {
    match seconds < 0 && nanos > 0 {
        true if seconds == -1 => format!("-0.{:09}", 1_000_000_000 - nanos),
        true => format!("{}.{:09}", seconds + 1, 1_000_000_000 - nanos),
        false => format!("{seconds}.{nanos:09}"),
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself too.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn extension(format: Format, kind: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = block(format, kind, name, b"", content.len() as u64);
    octal(&mut header, field::MODE, 0o644);
    octal(&mut header, field::UID, 0);
    octal(&mut header, field::GID, 0);
    octal(&mut header, field::MTIME, 0);
    seal(&mut header);
    let mut out = header.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len() + padding(content.len() as u64), 0);
    out
}
