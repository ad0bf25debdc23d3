//! sync-documents beside `tar | tar` through the same exec path.
use super::figures::{Figures, Target, heading, line};
use super::{ROUNDS, relay};
use crate::support::memory::{MOST, peak};
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, finish};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const FILES: usize = 4_000;
const SIZE: usize = 250_000;
pub(super) const BYTES: f64 = (FILES * SIZE) as f64;

pub(super) async fn measure() {
    let lab = Sandbox::new().await;
    let (source, target) = (lab.documents(PROD).join("mycompany"), lab.documents(SANDBOX).join("mycompany"));
    populate(&source);
    let [mut hand, mut tool, mut again, mut memory] = [(); 4].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        clear(&target);
        let started = Instant::now();
        relay::copy(&lab).await;
        hand.add(BYTES / 1e6 / started.elapsed().as_secs_f64());
        assert_same(&source, &target);
        clear(&target);
        let (first, seconds, resident) = sync(&lab).await;
        tool.add(BYTES / 1e6 / seconds);
        memory.add(resident);
        assert_eq!(first.json()["documents"]["files"], FILES, "{first:?}");
        assert_same(&source, &target);
        let (second, seconds, _) = sync(&lab).await;
        again.add(seconds);
        assert_eq!(second.json()["documents"]["files"], 0, "{second:?}");
    }
    heading(&format!("Documents: {FILES} files, {:.0} MB, incompressible", BYTES / 1e6));
    line("by hand: tar | tar through exec", &hand, 1, "MB/s", &Target::None);
    let target = Target::AtLeast(0.8 * hand.median());
    line("sync-documents (target 0.8 × by hand)", &tool, 1, "MB/s", &target);
    line("sync-documents again, nothing changed", &again, 2, "s", &Target::AtMost(1.0));
    line("its peak of resident memory", &memory, 1, "MiB", &Target::AtMost(MOST));
}

/// How it ended, its seconds, and the highest it had resident, in MiB.
async fn sync(lab: &Sandbox) -> (Ran, f64, f64) {
    let started = Instant::now();
    let child = lab.command(&["--output", "json", "sync-documents"]).spawn().expect("the binary starts");
    let (highest, ran) = peak(child.id().expect("it runs"), finish(child)).await;
    (ran.assert_code(0), started.elapsed().as_secs_f64(), highest)
}

/// Bytes that no compression makes smaller, the same in every run.
pub(super) fn populate(tree: &Path) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = vec![0; SIZE];
    for number in 0..FILES {
        for word in content.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes()[..word.len()]);
        }
        let directory = tree.join(format!("facture/{:03}", number / 100));
        fs::create_dir_all(&directory).expect("a directory of the lab's own");
        fs::write(directory.join(format!("FA-{number:05}.pdf")), &content).expect("a document");
    }
}

/// Makes room, and lets the disk come to rest: what the last copy has left to write is not this one's.
fn clear(target: &Path) {
    if target.exists() {
        fs::remove_dir_all(target).expect("removed");
    }
    fs::create_dir(target).expect("a directory of the lab's own");
    assert!(Command::new("sync").arg("-f").arg(target).status().expect("sync runs").success());
}

fn assert_same(source: &Path, target: &Path) {
    let same = Command::new("diff").args(["-r", "-q"]).args([source, target]).output().expect("diff runs");
    assert!(same.status.success(), "{same:?}");
}
