//! What an archive of a whole documents root holds, as it passes: every member is looked at, and one that could lead out of the root, or
//! that no honest archive has, refuses the whole of it.
use super::{Entry, Kind, Manifest, Time};
use crate::documents::archive::{Member, Piece, Reader};
use crate::documents::delta::{Delta, diff};
use crate::documents::{shown, trees};
use anyhow::{Context, Result, ensure};
use std::collections::HashSet;

/// Reads an archive that comes in pieces of any size.
#[derive(Debug, Default)]
pub struct Inventory {
    reader: Reader,
    found: Packed,
}

/// What an archive holds.
#[derive(Debug, Default)]
pub struct Packed {
    manifest: Manifest,
    /// Names of files that are in it under another name, with that name.
    hard: Vec<(Vec<u8>, Vec<u8>)>,
    /// Members of any type.
    pub entries: u64,
    pub files: u64,
    /// Content of the files.
    pub bytes: u64,
}

/// What Linux allows a path to have.
const LONGEST_PATH: usize = 4096;

impl Inventory {
    /// # Errors
    /// This is no archive; a member that leads elsewhere, or makes no sense.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        let Self { reader, found } = self;
        reader.feed(bytes, &mut |piece| match piece {
            Piece::Member(member) => found.add(member),
            Piece::Data(_) | Piece::End => Ok(()),
        })
    }

    /// # Errors
    /// The archive was cut; two members of one name, or one that lies in something else than a directory.
    pub fn finish(self) -> Result<Packed> {
        let Self { reader, mut found } = self;
        reader.finish()?;
        found.manifest.sort();
        found.manifest.check(|name, _| Ok(!name.contains(&b'/')))?;
        found.join()?;
        Ok(found)
    }
}

impl Packed {
    fn add(&mut self, member: &Member) -> Result<()> {
        let Member { path, kind, link, mode, size, mtime } = member;
        self.entries += 1;
        self.files += u64::from(*kind == Kind::File);
        self.bytes += if *kind == Kind::File { *size } else { 0 };
        // The root itself.
        if path == b"." && *kind == Kind::Directory {
            return Ok(());
        }
        ensure!(fits(path), "it has the member {}, which leads elsewhere", shown(path));
        ensure!(*kind == Kind::File || *size == 0, "its member {} is no file, and has content", shown(path));
        ensure!(!link.contains(&0) && link.len() < LONGEST_PATH, "its member {} is a link to nowhere", shown(path));
        let hard = *kind == Kind::File && !link.is_empty();
        if hard {
            ensure!(fits(link) && *size == 0, "its member {} is a link that leads elsewhere", shown(path));
            self.hard.push((path.clone(), link.clone()));
        }
        let link: &[u8] = if *kind == Kind::Link { link } else { b"" };
        let Manifest { head, entries, text, .. } = &mut self.manifest;
        head.gnu_tar |= mtime.nanos > 0;
        entries.push(Entry {
            kind: *kind,
            mode: *mode,
            size: *size,
            mtime: *mtime,
            ctime: Time::default(),
            text: text.len(),
            path: u32::try_from(path.len())?,
            link: u32::try_from(link.len())?,
        });
        text.extend_from_slice(path);
        text.extend_from_slice(link);
        Ok(())
    }

    /// What is in it under another name is as long as that.
    fn join(&mut self) -> Result<()> {
        let names: HashSet<&[u8]> = self.hard.iter().map(|(path, _)| &path[..]).collect();
        for (path, file) in &self.hard {
            let of = self.manifest.find(file).filter(|of| of.kind == Kind::File && !names.contains(&file[..]));
            let size = of
                .with_context(|| format!("{} is another name of {}, which is no file in it", shown(path), shown(file)))?
                .size;
            if let Some(at) = self.manifest.position(path) {
                self.manifest.entries[at].size = size;
            }
        }
        Ok(())
    }

    /// Without what lies beside these trees.
    ///
    /// # Errors
    /// One of them is not in the archive; a tree that is none; a file in one of them is another name of one that is not.
    pub fn only(mut self, names: &[String]) -> Result<Self> {
        let trees = trees(names)?;
        for tree in &trees {
            let found = self.manifest.find(format!("./{tree}").as_bytes());
            ensure!(found.is_some_and(|entry| entry.kind == Kind::Directory), "it has no documents tree {tree}");
        }
        let within = |path: &[u8]| trees.iter().any(|tree| is_below(path, tree.as_bytes()));
        let Manifest { entries, text, .. } = &mut self.manifest;
        entries.retain(|entry| within(&text[entry.text..][..entry.path as usize]));
        self.hard.retain(|(path, _)| within(path));
        let outside = self.hard.iter().find(|(_, file)| !within(file));
        ensure!(
            outside.is_none(),
            "{} is another name of a file outside the documents trees",
            outside.map_or(String::new(), |(path, _)| shown(path))
        );
        Ok(self)
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What has to happen in the target. A name of a file that is sent under another name goes with that.
    pub fn delta(&self, target: &Manifest) -> Delta {
        let delta = diff(&self.manifest, target, |_| false);
        if self.hard.is_empty() {
            return delta;
        }
        let sent: HashSet<&[u8]> =
            delta.send.iter().map(|&at| self.manifest.path(&self.manifest.entries[at])).collect();
        let wanted = self.hard.iter().filter(|(path, _)| sent.contains(&path[..]));
        let again: HashSet<&[u8]> = wanted.map(|(_, file)| &file[..]).collect();
        diff(&self.manifest, target, |path| again.contains(path))
    }
}

/// `./a/b`, as `tar -c .` writes it.
fn fits(path: &[u8]) -> bool {
    let plain = |name: &[u8]| name.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
    path.len() < LONGEST_PATH && !path.contains(&0) && path.strip_prefix(b"./").is_some_and(plain)
}

fn is_below(path: &[u8], tree: &[u8]) -> bool {
    let rest = path.strip_prefix(b"./").and_then(|path| path.strip_prefix(tree));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests;
