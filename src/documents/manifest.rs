//! What trees hold: as a pod says it, in the records of `documents-manifest.sh`, or as an archive does; parsed as it comes.
mod packed;
mod parse;

use crate::documents::excluded::is_excluded;
use crate::documents::shown;
use anyhow::{Context, Result, ensure};
pub use packed::{Inventory, Packed};
pub use parse::Parser;
pub(super) use parse::nanos;

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Link,
    /// A socket, FIFO or device: never copied.
    Special,
}

/// Seconds and nanoseconds since 1970; the seconds are rounded down, also before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    pub seconds: i64,
    pub nanos: u32,
}

/// One path of a manifest. Where its text lies is the manifest's business.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub kind: Kind,
    pub mode: u16,
    pub size: u64,
    pub mtime: Time,
    pub ctime: Time,
    text: usize,
    path: u32,
    link: u32,
}

/// Which `find` wrote the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Dialect {
    #[default]
    Printf,
    /// Times in whole seconds only.
    Stat,
}

/// What the pod can do, and whom the trees belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    dialect: Dialect,
    /// tar is GNU's: it knows pax headers and with them nanoseconds.
    pub gnu_tar: bool,
    /// The pod's clock when the listing began.
    pub now: i64,
    /// The user that exec is in the container.
    pub user: Option<u32>,
    /// User and group of the first tree, or of the root where there is none yet.
    pub owner: Option<(u32, u32)>,
}

impl Head {
    /// Times are known to the nanosecond, and can be written so.
    pub fn nanos(&self) -> bool {
        self.dialect == Dialect::Printf && self.gnu_tar
    }
}

/// The trees of one pod, sorted by path.
#[derive(Debug, Default)]
pub struct Manifest {
    pub head: Head,
    pub missing: Vec<String>,
    entries: Vec<Entry>,
    text: Vec<u8>,
}

impl Manifest {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// `./tree/…`, bytes as they are.
    pub fn path(&self, entry: &Entry) -> &[u8] {
        &self.text[entry.text..][..entry.path as usize]
    }

    /// Where a symbolic link points; empty for all else.
    pub fn link(&self, entry: &Entry) -> &[u8] {
        &self.text[entry.text + entry.path as usize..][..entry.link as usize]
    }

    pub fn position(&self, path: &[u8]) -> Option<usize> {
        self.entries.binary_search_by(|entry| self.path(entry).cmp(path)).ok()
    }

    pub fn find(&self, path: &[u8]) -> Option<&Entry> {
        self.position(path).map(|at| &self.entries[at])
    }

    /// Without what these patterns of a backup leave out.
    pub fn without(mut self, patterns: &[String]) -> Self {
        let text = &self.text;
        self.entries.retain(|entry| !is_excluded(&text[entry.text..][..entry.path as usize], patterns));
        self
    }

    /// What there is, in a form that the same files always have, whichever `find` lists them: times in whole seconds.
    pub fn summary(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for entry in &self.entries {
            let Entry { kind, mode, size, mtime, .. } = entry;
            let size = if *kind == Kind::File { *size } else { 0 };
            text.extend_from_slice(format!("{kind:?} {mode:o} {size} {} ", mtime.seconds).as_bytes());
            text.extend_from_slice(self.path(entry));
            text.push(0);
            text.extend_from_slice(self.link(entry));
            text.push(0);
        }
        text
    }

    fn sort(&mut self) {
        let text = &self.text;
        let path = |entry: &Entry| &text[entry.text..][..entry.path as usize];
        self.entries.sort_unstable_by(|a, b| path(a).cmp(path(b)));
    }

    /// A pod, or an archive, that is not what it seems must not lead another pod out of its trees. `top` says of a name, or refuses it,
    /// whether it stands for itself; all else lies in a directory that is listed.
    fn check(&self, top: impl Fn(&[u8], Kind) -> Result<bool>) -> Result<()> {
        let mut before: &[u8] = b"";
        for entry in &self.entries {
            let path = self.path(entry);
            ensure!(path != before, "listed {} twice", shown(path));
            before = path;
            let name = path.strip_prefix(b"./").with_context(|| format!("listed {}", shown(path)))?;
            let plain = name.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
            ensure!(plain, "listed the path {}, which leads elsewhere", shown(path));
            if !top(name, entry.kind)? {
                let parent = self.find(parent(path)).map(|entry| entry.kind);
                ensure!(parent == Some(Kind::Directory), "listed {}, whose directory is none", shown(path));
            }
        }
        Ok(())
    }
}

/// A tree stands for itself, and is a directory.
fn tree_of(trees: &[String]) -> impl Fn(&[u8], Kind) -> Result<bool> {
    |name, kind| {
        let tree = trees.iter().any(|tree| tree.as_bytes() == name);
        ensure!(!tree || kind == Kind::Directory, "{} is not a directory", shown(name));
        Ok(tree)
    }
}

/// The directory that holds a path.
pub fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|&byte| byte == b'/');
    &path[..slash.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
