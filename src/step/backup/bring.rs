//! A backup's documents into the sandbox: its archive is read once to know what is in it and that it is whole, before anything is touched,
//! and once more to send what the sandbox lacks.
//!
//! Neither a disk nor the memory holds the archive. Both times its sum is compared; in the sandbox all is listed again afterwards.
use super::super::Context;
use super::receive::{Chosen, chosen};
use super::verify;
use crate::cluster::documents::{Copied, Intake, Side};
use crate::documents::manifest::Packed;
use crate::report::Event;
use anyhow::{Context as _, Result};

pub(in crate::step) async fn read(cx: &mut Context<'_>) -> Result<()> {
    let Chosen { stored, identities, .. } = chosen(cx)?;
    let read = verify::documents(cx.shelf()?, stored, (identities, true), cx.report).await;
    let packed = read.with_context(|| format!("set {} cannot be trusted", stored.manifest.id))?;
    keep(cx, packed)
}

/// For the step that brings them: that a tree is not in the set is found before anything is touched.
pub(super) fn keep(cx: &mut Context<'_>, packed: Option<Packed>) -> Result<()> {
    let packed = packed.context("a bug: the set was not opened")?;
    let key = &chosen(cx)?.stored.manifest.documents.tar.key;
    let packed = packed.only(&cx.settings.documents_trees).with_context(|| format!("cannot use {key}"))?;
    if let Some(from) = &mut cx.backup.from {
        from.packed = Some(packed);
    }
    Ok(())
}

pub(in crate::step) async fn bring(cx: &mut Context<'_>) -> Result<()> {
    let copied = send(cx).await;
    let copied = copied
        .context("could not bring the documents; what has arrived stays, but for the one file that was on its way")?;
    let sum = chosen(cx)?.stored.manifest.documents.tar.sha256.clone();
    if let Some(from) = &mut cx.summary.from_backup {
        from.documents_sha256 = Some(sum);
    }
    cx.summary.documents = Some(copied);
    Ok(())
}

async fn send(cx: &Context<'_>) -> Result<Copied> {
    let Chosen { stored, identities, packed, .. } = chosen(cx)?;
    let packed = packed.as_ref().context("a bug: the set's documents were not read")?;
    let (shelf, manifest) = (cx.shelf()?, &stored.manifest);
    let tar = &manifest.documents.tar;
    let pod = cx.sandbox_pod().await?;
    let mut read = async |intake: &mut Intake<'_>| {
        let (mut done, total) = (0, Some(tar.content_bytes));
        let look = &mut async |bytes: &[u8]| {
            intake.take(bytes).await?;
            done += bytes.len() as u64;
            cx.report.event(Event::Moved { done, total });
            Ok(())
        };
        verify::object(shelf, tar, (manifest.encrypted, identities), look).await
    };
    cx.progress("listing the sandbox's Pod");
    let target = Side { pod: &pod, root: &cx.settings.documents_root };
    let which = (&cx.settings.documents_trees[..], &manifest.documents.excluded[..]);
    cx.cluster.bring_archive(target, which, packed, &mut read).await
}
