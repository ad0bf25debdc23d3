//! One pass: what differs goes from the source through the sieve to the target, all at the same time.
use super::failed;
use crate::cluster::exec::{self, Ended, Heard, Input, Output, PodRef, STDIN};
use crate::documents::archive::Format;
use crate::documents::complaints::Complaints;
use crate::documents::delta::{Comparison, Delta, stirred};
use crate::documents::frames::{Chunk, Framer};
use crate::documents::manifest::{Entry, Kind, Manifest};
use crate::documents::sieve::{Passed, Sent, Sieve};
use crate::documents::{RECEIVE_SCRIPT, SEND_SCRIPT, sent, shown};
use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Chunks that wait between the reader and the sender: enough to keep both busy.
const QUEUE: usize = 2;
/// How long a tar that complains may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a pass sent, and what it meant to.
#[derive(Debug)]
pub(super) struct Pass {
    source: Manifest,
    wanted: Vec<bool>,
    passed: Passed,
}

/// Makes one pass.
pub(super) async fn run(
    client: &Client,
    (source, target): (&PodRef, &PodRef),
    root: &str,
    new: Manifest,
    old: &Manifest,
    delta: &Delta,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Pass> {
    let tar = |manifest: &Manifest| if manifest.head.gnu_tar { "gnu" } else { "other" };
    let (send, receive) = (sent(SEND_SCRIPT), sent(RECEIVE_SCRIPT));
    let sending = ["sh", "-c", &send, "sh", root, tar(&new)];
    let receiving = ["sh", "-c", &receive, "sh", root, tar(old)];
    let ((asking, reading), (writing, watching)) =
        tokio::try_join!(exec::open(client, source, &sending, true), exec::open(client, target, &receiving, true))?;
    let format = if old.head.gnu_tar { Format::Pax } else { Format::Gnu };
    let sieve = Sieve::new(&new, &delta.send, Framer::new(STDIN), format, old.head.owner.unwrap_or_default());
    let (to_target, from_source) = mpsc::channel(QUEUE);
    let ((passed, unreadable), ()) = tokio::try_join!(
        async {
            let read = read(reading, sieve, to_target, progress);
            first(read, ask(asking, &new, delta)).await.with_context(|| format!("cannot read from {source}"))
        },
        async {
            let written = first(watch(watching), write(writing, old, delta, from_source));
            written.await.with_context(|| format!("cannot write to {target}"))
        },
    )?;
    let mut wanted = vec![false; new.entries().len()];
    delta.send.iter().for_each(|&at| wanted[at] = true);
    // All else is there now, so that the next run has little to do.
    ensure!(unreadable.is_empty(), "{source} has files that cannot be read: {}", unreadable.join("; "));
    Ok(Pass { source: new, wanted, passed })
}

/// What `hearing` says, while `speaking` goes on. That a command no longer listens is no news: what it says last is.
async fn first<T>(hearing: impl Future<Output = Result<T>>, speaking: impl Future<Output = Result<()>>) -> Result<T> {
    let speaking = async {
        match speaking.await {
            Ok(()) => {}
            Err(error) => tracing::debug!("{error:#}"),
        }
        std::future::pending::<Result<T>>().await
    };
    tokio::select! {
        heard = hearing => heard,
        never = speaking => never,
    }
}

/// Names the members to the source.
async fn ask(mut input: Input, new: &Manifest, delta: &Delta) -> Result<()> {
    let paths = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
    list(&mut input, paths, b"\0").await?;
    input.keep_alive().await
}

/// One part of a script's input: paths, each with `end` behind it.
async fn list<'a>(input: &mut Input, paths: impl Iterator<Item = &'a [u8]>, end: &[u8]) -> Result<()> {
    let mut framer = Framer::new(STDIN);
    for path in paths {
        let mut chunks = framer.push(path);
        chunks.extend(framer.push(end));
        for chunk in chunks {
            input.send(chunk).await?;
        }
    }
    for chunk in framer.end() {
        input.send(chunk).await?;
    }
    Ok(())
}

/// Reads the source's archive to its end, and passes it on.
async fn read(
    mut output: Output,
    mut sieve: Sieve<'_>,
    to_target: mpsc::Sender<Chunk>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Passed, Vec<String>)> {
    let mut complaints = Complaints::default();
    let ended = loop {
        match output.next().await? {
            Heard::Stdout(bytes) => {
                for chunk in sieve.feed(&bytes)? {
                    pass_on(&to_target, chunk).await;
                    progress(sieve.bytes());
                }
            }
            Heard::Stderr(bytes) => complaints.feed(&bytes),
            Heard::Ended(ended) => break ended,
        }
    };
    complaints.settle();
    let partly = complaints.lively > 0 || !complaints.serious.is_empty();
    let unreadable = match ended {
        Ended::Code(0 | 21) => Vec::new(),
        Ended::Code(22) if partly => complaints.serious,
        ended => return Err(failed(&ended, &output.last_words())),
    };
    let (last, passed) = sieve.finish()?;
    for chunk in last {
        pass_on(&to_target, chunk).await;
    }
    progress(passed.bytes);
    Ok((passed, unreadable))
}

/// Nobody takes it only when the target has failed, which its own half tells.
async fn pass_on(to_target: &mpsc::Sender<Chunk>, chunk: Chunk) {
    if to_target.send(chunk).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Sends the target its three parts.
async fn write(mut input: Input, old: &Manifest, delta: &Delta, mut from_source: mpsc::Receiver<Chunk>) -> Result<()> {
    for part in [&delta.unlock, &delta.remove] {
        list(&mut input, part.iter().map(|&at| old.path(&old.entries()[at])), b"//\0").await?;
    }
    while let Some(chunk) = from_source.recv().await {
        input.send(chunk).await?;
    }
    input.keep_alive().await
}

/// The target's end. What its tar complains of is fatal: there is no use in sending the rest.
async fn watch(mut output: Output) -> Result<()> {
    let mut complained = None;
    loop {
        let heard = match complained {
            None => output.next().await?,
            Some(since) => match timeout_at(since + LAST_WORDS, output.next()).await {
                Ok(heard) => heard?,
                Err(_) => bail!("{}", output.last_words()),
            },
        };
        match heard {
            Heard::Stdout(_) => {}
            Heard::Stderr(bytes) if bytes.starts_with(b"tar: ") => complained = complained.or(Some(Instant::now())),
            Heard::Stderr(_) => {}
            Heard::Ended(Ended::Code(0)) => return Ok(()),
            Heard::Ended(ended) => return Err(failed(&ended, &output.last_words())),
        }
    }
}

impl Pass {
    /// Files and links that went through.
    pub(super) fn files(&self) -> u64 {
        let arrived = self.source.entries().iter().zip(&self.passed.arrived);
        arrived.filter(|(entry, arrived)| **arrived && entry.kind != Kind::Directory).count() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.passed.bytes
    }

    /// The source may have written to the file between the listing before this pass and the one after it.
    pub(super) fn read_while_changing(&self, after: &Manifest, path: &[u8]) -> bool {
        let Some(at) = self.source.position(path).filter(|&at| self.passed.arrived[at]) else { return false };
        let before = &self.source.entries()[at];
        before.kind == Kind::File && after.find(path).is_some_and(|new| stirred(&self.source, before, new))
    }

    /// After the last pass: what still differs must be the source's own later changes.
    pub(super) fn judge(
        &self,
        new: &Manifest,
        old: &Manifest,
        delta: &Delta,
        torn: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<String>> {
        let same = Comparison::of(new, old);
        let (mut changed, mut wrong) = (Vec::new(), Vec::new());
        let sent = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
        let kept = delta.remove.iter().map(|&at| old.path(&old.entries()[at]));
        for path in sent.chain(kept).collect::<BTreeSet<_>>() {
            let (wished, found) = (new.find(path), old.find(path));
            if !self.explains(path, old, found) {
                wrong.push(shown(path));
            } else if torn(path) || !wished.zip(found).is_some_and(|(wished, found)| same.entries(wished, found)) {
                changed.push(shown(path));
            }
        }
        let some = wrong.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        ensure!(
            wrong.is_empty(),
            "holds something else than was sent, in {} places (does something write there?): {some}",
            wrong.len()
        );
        Ok(changed)
    }

    /// What was found in the target is what this pass sent, or left there.
    fn explains(&self, path: &[u8], target: &Manifest, found: Option<&Entry>) -> bool {
        let at = self.source.position(path).filter(|&at| self.source.entries()[at].kind != Kind::Special);
        let Some(at) = at else { return found.is_none() };
        if self.wanted[at] && !self.passed.arrived[at] {
            return true;
        }
        let (entry, Some(found)) = (&self.source.entries()[at], found) else { return false };
        let same = Comparison::of(&self.source, target);
        let Some(Sent { mode, size, mtime, link }) = self.passed.otherwise.get(&at) else {
            return same.entries(entry, found);
        };
        entry.kind == found.kind
            && match entry.kind {
                Kind::Link => target.link(found) == link,
                _ => {
                    found.mode == *mode
                        && same.times(*mtime, found.mtime)
                        && (entry.kind != Kind::File || found.size == *size)
                }
            }
    }
}
