//! A golden volume that is full: at each tenth of what a checkpoint takes.

use super::arena::{Arena, KEPT, finish};
use super::case::Case;
use crate::support::container::enter::Streams;
use crate::support::sandbox::{Ran, SANDBOX};
use tokio::io::AsyncReadExt;

/// Of the volume, which lasts as long as its container.
pub(super) const MEBIBYTES: u64 = 8;

/// What each checkpoint has of its own: not what the next one has as links.
const NEEDED: &str = "du -B1 --exclude=source.dump --exclude=source.list --exclude=source.base /golden/sets/*";

/// From none of it free to nine tenths.
pub(super) fn cases() -> Vec<Case> {
    (0..10).map(|tenth| Case::VolumeFull { tenth }).collect()
}

/// A run with room for so many tenths of a checkpoint like the one there is.
pub(super) async fn run(arena: &mut Arena, tenth: u64) -> Result<Ran, String> {
    let (needed, free) = (bytes(arena, NEEDED).await?, bytes(arena, "df -B1 --output=avail /golden").await?);
    let ballast = free.saturating_sub(needed * tenth / 10);
    within(arena, &format!("head -c {ballast} /dev/zero >/golden/ballast")).await?;
    let ran = finish(arena.start()).await;
    within(arena, "rm /golden/ballast").await?;
    let ran = ran?;
    let sets = within(arena, "ls /golden/sets").await?;
    let is_told = ["No space left on device", "may be full"].iter().any(|words| ran.stderr.contains(words));
    match ran.code == 1 && is_told && sets.lines().count() == 1 {
        true => Ok(ran),
        false => Err(format!("exit code {}, the sets {sets:?}:\n{}", ran.code, ran.stderr)),
    }
}

async fn bytes(arena: &Arena, said_by: &str) -> Result<u64, String> {
    let said = within(arena, &format!("{said_by} | tail -n 1 | cut -f 1")).await?;
    said.trim().parse().map_err(|_| format!("{said:?} is no number of bytes"))
}

/// What a command in the Pod that is kept says: only it sees what is mounted there.
async fn within(arena: &Arena, command: &str) -> Result<String, String> {
    let pods = arena.lab.store.list("pods", Some(SANDBOX));
    let mut names = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str());
    let pod = names.find(|name| name.starts_with(KEPT)).ok_or("no Pod is kept")?;
    let container = arena.lab.kubelet.container(SANDBOX, pod, "golden").ok_or("its container does not run")?;
    let argv = ["sh", "-c", command].map(str::to_owned);
    let mut entered = container.enter(&argv, Streams { stdout: true, ..Streams::default() }).await?;
    let mut said = String::new();
    let mut stdout = entered.stdout.take().ok_or("its output is not there")?;
    stdout.read_to_string(&mut said).await.map_err(|why| why.to_string())?;
    match entered.ended().await.code {
        0 => Ok(said),
        code => Err(format!("{command}: exit code {code}")),
    }
}
