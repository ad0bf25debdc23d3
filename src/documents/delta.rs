//! What has to happen in the target so that it holds what the source holds.
use super::manifest::{Entry, Kind, Manifest, Time, parent};
use std::collections::HashSet;

/// Work for one pass. Paths are positions in the manifest that is named.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// In the source, in the order of sending.
    pub send: Vec<usize>,
    /// In the target: gone from the source, or of another type there. Nothing below a removed directory is listed.
    pub remove: Vec<usize>,
    /// How many files and links of the target go, also of those that lie below a directory that goes.
    pub removed: u64,
    /// In the target: directories that will change and that their owner may not write to.
    pub unlock: Vec<usize>,
    /// Files and links.
    pub unchanged: u64,
    /// Sockets, FIFOs and devices of the source: never copied.
    pub special: u64,
    /// How many of `send` are here only because something in them changes.
    pub touched: u64,
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        self.send.is_empty() && self.remove.is_empty()
    }
}

/// Compares two manifests; what `again` says is sent even where both look the same.
pub fn diff(source: &Manifest, target: &Manifest, again: impl Fn(&[u8]) -> bool) -> Delta {
    let mut delta = Delta::default();
    let mut touched: HashSet<Vec<u8>> = HashSet::new();
    let same = Comparison::of(source, target);
    for (at, entry) in source.entries().iter().enumerate() {
        let path = source.path(entry);
        let old = target.find(path);
        match old {
            _ if entry.kind == Kind::Special => delta.special += 1,
            Some(old) if same.entries(entry, old) && !again(path) => {
                delta.unchanged += u64::from(entry.kind != Kind::Directory);
            }
            _ => {
                delta.send.push(at);
                // A directory that only gets another mode or time changes nothing around it.
                if entry.kind != Kind::Directory || old.is_none() {
                    touched.insert(parent(path).to_owned());
                }
            }
        }
    }
    remove(&mut delta, source, target, &mut touched);
    touch(&mut delta, source, target, &touched);
    order(&mut delta.send, source, target.head.gnu_tar);
    delta
}

/// Whatever is made in a directory changes its mtime. GNU tar sees to that when a directory comes right before its content;
/// for others the directories come last, the deepest first.
fn order(send: &mut [usize], source: &Manifest, gnu_tar: bool) {
    let directory = |at: &usize| source.entries()[*at].kind == Kind::Directory;
    let parts = |at: &usize| source.path(&source.entries()[*at]).split(|&byte| byte == b'/');
    send.sort_unstable_by(|a, b| match (directory(a), directory(b)) {
        _ if gnu_tar => parts(a).cmp(parts(b)),
        (true, true) => b.cmp(a),
        (a_last, b_last) => a_last.cmp(&b_last).then(a.cmp(b)),
    });
}

fn remove(delta: &mut Delta, source: &Manifest, target: &Manifest, touched: &mut HashSet<Vec<u8>>) {
    let mut gone: HashSet<&[u8]> = HashSet::new();
    for (at, entry) in target.entries().iter().enumerate() {
        let path = target.path(entry);
        if gone.contains(parent(path)) {
            // In the order of paths a directory comes before all that is in it.
            delta.removed += u64::from(entry.kind != Kind::Directory);
            gone.insert(path);
        } else if source.find(path).is_none_or(|new| new.kind != entry.kind) {
            delta.removed += u64::from(entry.kind != Kind::Directory);
            delta.remove.push(at);
            gone.insert(path);
            touched.insert(parent(path).to_owned());
        }
    }
}

/// Directories in which something changes are sent too: their mtimes are put right after their content.
fn touch(delta: &mut Delta, source: &Manifest, target: &Manifest, touched: &HashSet<Vec<u8>>) {
    let sent: HashSet<usize> = delta.send.iter().copied().collect();
    for path in touched {
        let Some(at) = source.position(path) else {
            continue;
        };
        if source.entries()[at].kind == Kind::Directory && !sent.contains(&at) {
            delta.send.push(at);
            delta.touched += 1;
        }
    }
    for path in touched {
        let locked = |entry: &Entry| entry.kind == Kind::Directory && entry.mode & 0o300 != 0o300;
        delta.unlock.extend(target.position(path).filter(|&at| locked(&target.entries()[at])));
    }
    delta.unlock.sort_unstable();
}

/// How exactly two manifests can be compared.
pub struct Comparison<'a> {
    source: &'a Manifest,
    target: &'a Manifest,
    nanos: bool,
}

impl<'a> Comparison<'a> {
    pub fn of(source: &'a Manifest, target: &'a Manifest) -> Self {
        Self { source, target, nanos: source.head.nanos() && target.head.nanos() }
    }

    /// Both sides tell fractions of a second: two writes within one do not look like one.
    pub fn is_exact(&self) -> bool {
        self.nanos
    }

    /// Same type, and of this type the same mode, size and time, or the same link.
    pub fn entries(&self, new: &Entry, old: &Entry) -> bool {
        let dated = || new.mode == old.mode && self.times(new.mtime, old.mtime);
        new.kind == old.kind
            && match new.kind {
                Kind::File => new.size == old.size && dated(),
                Kind::Directory => dated(),
                Kind::Link => self.source.link(new) == self.target.link(old),
                Kind::Special => true,
            }
    }

    /// A file system may keep less than nanoseconds: it cuts off decimals.
    pub fn times(&self, new: Time, old: Time) -> bool {
        let kept = |unit: u32| new.nanos / unit * unit == old.nanos;
        new.seconds == old.seconds && (!self.nanos || [1, 100, 1_000, 1_000_000, 1_000_000_000].into_iter().any(kept))
    }
}

/// Whether the source's entry may have been written to since `before` was listed: then what was read of it may be torn.
pub fn stirred(before: &Manifest, old: &Entry, new: &Entry) -> bool {
    let same = old.kind == new.kind && old.size == new.size && old.mtime == new.mtime && old.ctime == new.ctime;
    // In whole seconds, two writes within one second look like one.
    let blurred = !before.head.nanos() && new.ctime.seconds >= before.head.now - 1;
    !same || (blurred && new.kind == Kind::File)
}

#[cfg(test)]
mod tests;
