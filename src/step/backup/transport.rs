//! From a container into an object, as it comes: no more in memory than two parts.
use super::super::Context;
use crate::backup::manifest::Object;
use crate::backup::seal::Seal;
use crate::cluster::exec::{Ended, PodRef};
use crate::cluster::transfer::{Given, Reading};
use crate::documents::complaints::Complaints;
use crate::report::Event;
use crate::storage::Upload;
use anyhow::Result;

/// What has been read, and how its command has ended.
pub(super) struct Carried {
    pub(super) object: Object,
    pub(super) ended: Ended,
    pub(super) last_words: String,
    pub(super) complaints: Complaints,
}

/// Reads a command's output, of `total` bytes if that is known, to its end into the object `key`; `look` sees it on the way, and `judge` says whether such an end is one.
/// What is no success leaves no object; its parts are taken back when the run is over, as those of a run that was interrupted.
pub(super) async fn carry(
    cx: &Context<'_>,
    (pod, argv, total): (&PodRef, &[&str], Option<u64>),
    key: &str,
    look: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
    judge: &(dyn Fn(&Carried) -> Result<()> + Sync),
) -> Result<Carried> {
    let reading = cx.cluster.read_from(pod, argv).await?;
    let mut upload = cx.shelf()?.storage.upload(key).await?;
    let carried = fill(cx, reading, &mut upload, (key, total), look).await?;
    judge(&carried)?;
    upload.finish().await?;
    Ok(carried)
}

async fn fill(
    cx: &Context<'_>,
    mut reading: Reading,
    upload: &mut Upload<'_>,
    (key, total): (&str, Option<u64>),
    look: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
) -> Result<Carried> {
    let mut seal = Seal::new(&cx.settings.backups.recipients)?;
    let mut done = 0;
    let (ended, last_words) = loop {
        match reading.next().await? {
            Given::Bytes(content) => {
                look(&content)?;
                done += content.len() as u64;
                let stored = seal.push(content)?;
                reading.beside(upload.push(&stored)).await?;
                cx.report.event(Event::Moved { done, total });
            }
            Given::Ended(ended, last_words) => break (ended, last_words),
        }
    };
    let (rest, object) = seal.finish(key)?;
    upload.push(&rest).await?;
    Ok(Carried { object, ended, last_words, complaints: reading.complaints() })
}

/// A small text, sealed and written in one go.
pub(super) async fn write(cx: &Context<'_>, key: &str, text: Vec<u8>) -> Result<Object> {
    let mut seal = Seal::new(&cx.settings.backups.recipients)?;
    let stored = seal.push(text.into())?;
    let (rest, object) = seal.finish(key)?;
    cx.shelf()?.storage.write(key, [stored, rest].concat()).await?;
    Ok(object)
}
