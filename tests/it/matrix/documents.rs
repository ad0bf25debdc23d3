//! Documents that are big enough to be stopped on their way.

use super::arena::{Arena, Files, files};
use crate::support::sandbox::SANDBOX;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const COUNT: usize = 8;
const SIZE: usize = 64 * 1024;
/// Of all of them.
pub(super) const BYTES: usize = COUNT * SIZE;

fn path(root: &Path, number: usize) -> PathBuf {
    root.join(format!("mycompany/facture/{number}.pdf"))
}

/// Production's.
pub(super) fn fill(root: &Path) {
    for number in 0..COUNT {
        fs::write(path(root, number), vec![b'0' + number as u8; SIZE]).expect("a file");
    }
}

/// The sandbox's: every other one is another one, the rest is not there.
pub(super) fn age(root: &Path) {
    for number in 0..COUNT {
        match number % 2 {
            0 => fs::write(path(root, number), "an older one").expect("a file"),
            // It may never have come.
            _ => drop(fs::remove_file(path(root, number))),
        }
    }
}

/// Those that are neither the old one nor the new one, or are gone; but for a single one that was on its way when all ended: tar writes
/// it under its own name, so the beginning of the new one may be there.
pub(super) fn odd(now: &Files, old: &Files, new: &Files) -> Vec<String> {
    let is_odd = |path: &&PathBuf| ![old.get(*path), new.get(*path)].contains(&now.get(*path));
    let begins = |path: &PathBuf| new.get(path).is_some_and(|new| now.get(path).is_none_or(|now| new.starts_with(now)));
    let paths: BTreeSet<&PathBuf> = now.keys().chain(old.keys()).collect();
    match paths.into_iter().filter(is_odd).collect::<Vec<_>>()[..] {
        [path] if begins(path) => Vec::new(),
        ref odd => {
            odd.iter().map(|path| format!("{} ({:?} bytes)", path.display(), now.get(*path).map(Vec::len))).collect()
        }
    }
}

/// Another run brings what has not come.
///
/// # Errors
/// It does not.
pub(super) async fn are_mended(arena: &Arena) -> Result<(), String> {
    let ran = arena.run(&["sync-documents"]).await?;
    let same = files(&arena.lab.documents(SANDBOX)) == arena.goal.1;
    if ran.code == 0 && same {
        Ok(())
    } else {
        Err(format!("the next run does not mend the documents: {}", ran.stderr))
    }
}
