//! One pass: what differs goes from the source through the sieve to the target, all at the same time.
use super::lister::Lister;
use crate::cluster::exec::{self, Ended, Heard, Input, Output};
use crate::documents::archive::Format;
use crate::documents::complaints::Complaints;
use crate::documents::delta::Delta;
use crate::documents::frames::{Chunk, Framer, message};
use crate::documents::manifest::{Manifest, Parser};
use crate::documents::sieve::{Passed, Sieve};
use crate::documents::verdict::Pass;
use crate::documents::{SEND_SCRIPT, meaning, sent};
use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Chunks that wait between the reader and the sender: enough to keep both busy.
pub(super) const QUEUE: usize = 2;
/// How long a tar that complains may take to end by itself.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Makes one pass. Gives what both sides hold then.
pub(super) async fn run(
    client: &Client,
    (from, to): (&mut Lister, &mut Lister),
    new: Manifest,
    old: &Manifest,
    delta: &Delta,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Pass, Manifest, Manifest)> {
    let send = sent(SEND_SCRIPT);
    let sending = ["sh", "-c", &send, "sh", &from.root, tar(&new)];
    let (asking, reading) = exec::stream(client, &from.pod, &sending, true).await?;
    let (to_target, from_source) = mpsc::channel(QUEUE);
    let ((passed, unreadable, now), there) = tokio::try_join!(
        async {
            let read = read(reading, sieve(&new, old, delta), to_target, progress);
            let read = first(read, ask(asking, &new, delta)).await;
            let (passed, unreadable) = read.with_context(|| format!("cannot read from {}", from.pod))?;
            Ok((passed, unreadable, from.again().await?))
        },
        to.receive(old, delta, from_source),
    )?;
    // All else is there now, so that the next run has little to do.
    ensure!(unreadable.is_empty(), "{} has files that cannot be read: {unreadable}", from.pod);
    Ok((Pass::new(new, delta, passed), now, there))
}

/// What the scripts call a pod's tar.
pub(super) fn tar(manifest: &Manifest) -> &'static str {
    match manifest.head.gnu_tar {
        true => "gnu",
        false => "other",
    }
}

pub(super) fn sieve<'a>(new: &'a Manifest, old: &Manifest, delta: &Delta) -> Sieve<'a> {
    let format = match old.head.gnu_tar {
        true => Format::Pax,
        false => Format::Gnu,
    };
    let owner = old.head.owner.unwrap_or_default();
    Sieve::new(new, &delta.send, Framer::default(), format, owner)
}

/// What `hearing` says, while `speaking` goes on. That a command no longer listens is no news: what it says last is.
pub(super) async fn first<T>(
    hearing: impl Future<Output = Result<T>>,
    speaking: impl Future<Output = Result<()>>,
) -> Result<T> {
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
    let mut framer = Framer::default();
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
) -> Result<(Passed, String)> {
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
        Ended::Code(0 | 21) => String::new(),
        Ended::Code(22) if partly => complaints.first(),
        ended => bail!(exec::failed(&ended, &output.last_words(), meaning)),
    };
    let (last, passed) = sieve.finish()?;
    for chunk in last {
        pass_on(&to_target, chunk).await;
    }
    progress(passed.bytes);
    Ok((passed, unreadable))
}

/// Nobody takes it only when the target has failed, which its own half tells.
pub(super) async fn pass_on(to_target: &mpsc::Sender<Chunk>, chunk: Chunk) {
    if to_target.send(chunk).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Tells the target to receive, and sends it the three parts.
pub(super) async fn write(
    input: &mut Input,
    old: &Manifest,
    delta: &Delta,
    mut from_source: mpsc::Receiver<Chunk>,
) -> Result<()> {
    input.send(vec![message(format!("receive {}\n", tar(old)).as_bytes())]).await?;
    for part in [&delta.unlock, &delta.remove] {
        list(input, part.iter().map(|&at| old.path(&old.entries()[at])), b"//\0").await?;
    }
    loop {
        // What is read may hold nothing for the target for long, and a connection on which nothing moves is cut.
        let next = tokio::select! {
            next = from_source.recv() => next,
            lost = input.keep_alive() => lost?,
        };
        match next {
            Some(chunk) => input.send(chunk).await?,
            None => break,
        }
    }
    input.keep_alive().await
}

/// The target's end: the list of what it holds then. What its tar complains of is fatal: there is no use in sending the rest.
pub(super) async fn watch(output: &mut Output) -> Result<Parser> {
    let (mut complaints, mut list) = (Complaints::default(), Parser::default());
    let mut limit = None;
    while !list.is_whole() {
        let heard = match limit {
            None => output.next().await?,
            Some(limit) => match timeout_at(limit, output.next()).await {
                Ok(heard) => heard?,
                Err(_) => bail!("{}", complaints.first()),
            },
        };
        match heard {
            Heard::Stdout(bytes) => list.feed(&bytes)?,
            Heard::Stderr(bytes) => complaints.feed(&bytes),
            Heard::Ended(ended) => {
                complaints.settle();
                bail!(exec::failed(&ended, &complaints.first(), meaning));
            }
        }
        if limit.is_none() && complaints.serious.iter().any(|line| line.starts_with("tar: ")) {
            limit = Some(Instant::now() + LAST_WORDS);
        }
    }
    Ok(list)
}
