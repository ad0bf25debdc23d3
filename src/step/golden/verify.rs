//! Everything that can be known to be wrong with a reset is known before the sandbox is touched.
use super::conversation::{Conversation, Place};
use super::documents::{Sums, sides};
use super::shelf::{missing, tell};
use crate::cluster::documents::{Approval, Compared};
use crate::cluster::exec::{Ended, PodRef};
use crate::golden::manifest::{Checkpoint, sha256};
use crate::golden::scripts::{NO_SUCH, VERIFY, meaning};
use crate::golden::{database, documents, shelf};
use crate::jobs::{RESTORE, Word};
use crate::step::Context;
use anyhow::{Context as _, Result, anyhow, bail, ensure};

/// The checkpoint is read and compared with its checksums, the restore makes all the checks that need no change, and the documents
/// of both sides are listed: all at the same time. Then the documents that would be sent are compared with theirs.
///
/// A container runtime starts one exec of a container after the other (containerd 1.6: 50 ms each, measured), so what takes longest is
/// asked for first.
pub(super) async fn verify(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let name = cx.settings.wanted.name.clone();
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let restore = open(cx, place, &name).await;
    let (checkpoint, restore, compared) =
        tokio::join!(whole(place, &name), prepared(cx, restore), list(cx, &pod, &name));
    // Whatever else failed may have failed because of it.
    let checkpoint = checkpoint?;
    same_trees(cx, &checkpoint)?;
    let (sandbox, mut compared) = compared?;
    listed_as_saved(&checkpoint, &compared)?;
    Sums { place, name: &name }.approve(&compared.new, &compared.delta).await?;
    compared.approved = true;
    cx.golden.restore = Some(restore?);
    cx.golden.documents = Some((sandbox, compared));
    cx.golden.verified = Some(checkpoint);
    Ok(())
}

/// The checkpoint, if every byte of its own files is what was saved.
pub(super) async fn whole(place: Place<'_>, name: &str) -> Result<Checkpoint> {
    let told = tell(place, VERIFY, &[("NAME", name)], b"").await?;
    if told.ended == Ended::Code(NO_SUCH) {
        let names: Vec<String> = told.stderr.lines().map(str::to_owned).collect();
        return Err(missing(name, &names));
    }
    let output = told.success(meaning).with_context(|| format!("cannot read checkpoint {name}"))?;
    let (found, rest) = shelf::manifests(&output)?;
    let (_, checkpoint) = found.into_iter().next().context("the checkpoint's manifest did not come")?;
    let checkpoint =
        checkpoint.map_err(|damaged| anyhow!("checkpoint {name} is damaged: {damaged}; nothing was touched"))?;
    let odd = checkpoint.odd(&shelf::sums(rest));
    ensure!(
        odd.is_empty(),
        "checkpoint {name} is damaged: {} is not what was saved; nothing was touched, take a new one",
        odd.join(", ")
    );
    Ok(checkpoint)
}

pub(super) fn same_trees(cx: &Context<'_>, checkpoint: &Checkpoint) -> Result<()> {
    let trees = crate::documents::trees(&cx.settings.documents_trees)?;
    ensure!(
        checkpoint.documents.trees == trees,
        "checkpoint {} has the documents trees {}, and --documents-tree says {}",
        checkpoint.name,
        checkpoint.documents.trees.join(", "),
        trees.join(", ")
    );
    Ok(())
}

pub(super) fn listed_as_saved(checkpoint: &Checkpoint, compared: &Compared) -> Result<()> {
    ensure!(
        sha256(&compared.new.summary()) == checkpoint.documents.listing,
        "checkpoint {} is damaged: its documents are not those that were saved; nothing was touched, take a new one",
        checkpoint.name
    );
    Ok(())
}

async fn open(cx: &Context<'_>, place: Place<'_>, name: &str) -> Result<Conversation> {
    let directory = database(name);
    let online = if cx.found.stops { "" } else { "1" };
    let env = [
        ("SET_DIR", directory.as_str()),
        ("SOURCE", "checkpoint"),
        ("FULL", ""),
        ("ONLINE", online),
        ("WORDS", "stdin"),
        ("SET_SHA256", ""),
        ("PRODUCTION", &cx.record.production_as_text()),
    ];
    Conversation::open(place, &RESTORE, &env, false).await
}

async fn prepared(cx: &Context<'_>, restore: Result<Conversation>) -> Result<Conversation> {
    let mut restore = restore?;
    restore.waits_for(Word::Restore, cx.report, |_| {}).await?;
    Ok(restore)
}

pub(super) async fn list(cx: &Context<'_>, golden: &PodRef, name: &str) -> Result<(PodRef, Compared)> {
    let sandbox = cx.sandbox_pod().await?;
    let root = documents(name);
    let sides = sides((golden, &root), (&sandbox, &cx.settings.documents_root));
    let compared = cx.cluster.compare_documents(sides, &cx.settings.documents_trees).await;
    match compared {
        Ok(compared) => Ok((sandbox, compared)),
        Err(error) => bail!(error.context("cannot compare the documents")),
    }
}
