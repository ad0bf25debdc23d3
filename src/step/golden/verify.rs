//! Everything that can be known to be wrong with a reset is known before the sandbox is touched.
use super::conversation::{Conversation, Place};
use super::documents::Sums;
use super::reset::hear;
use super::shelf::missing;
use crate::cluster::documents::{Alike, Begun, Compared, Lister, Side};
use crate::cluster::exec::{Ended, Said, failed};
use crate::documents::frames::messages;
use crate::documents::manifest::Manifest;
use crate::golden::manifest::{Checkpoint, sha256};
use crate::golden::scripts::{NO_SUCH, VERIFY, meaning, texts};
use crate::golden::{database, documents, shelf, stamp};
use crate::jobs::{RESTORE, Word};
use crate::record;
use crate::step::Context;
use crate::summary::Reset;
use anyhow::{Context as _, Result, anyhow, ensure};

pub(super) const NOT_COMPARED: &str = "cannot compare the documents";

/// The checkpoint is read and compared with its checksums and its list of documents, the restore makes all the checks that need no change
/// and compares the database where the application stays connected, and the sandbox's documents are listed: all at the same time. Then the
/// documents that would be sent are compared with their sums.
///
/// A container runtime starts one exec of a container after the other (containerd 1.6: 50 ms each, measured), so what takes longest is
/// asked for first.
pub(super) async fn verify(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let name = cx.settings.wanted.name.clone();
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let restore = open(cx, place, &name).await;
    // A checkpoint that is damaged ends it at once; whatever else failed may have failed because of that.
    let ((checkpoint, saved), (restore, sandbox)) = tokio::try_join!(whole(cx, place), async {
        Ok(tokio::join!(prepared(cx, restore), sandbox_documents(cx, true)))
    })?;
    let sandbox = sandbox.context(NOT_COMPARED)?;
    let (mut compared, _) = with_sandbox((&checkpoint, saved), sandbox).await?;
    compared.approve(&Sums { name: &name }).await?;
    cx.golden.restore = Some(restore?);
    cx.golden.documents = Some(compared);
    cx.golden.verified = Some(checkpoint);
    Ok(())
}

/// A checkpoint's documents beside the sandbox's; and those that only their sums tell from what they were, or not even they.
pub(super) async fn with_sandbox(
    (checkpoint, saved): (&Checkpoint, (Lister, Manifest)),
    sandbox: (Lister, Manifest),
) -> Result<(Compared, Alike)> {
    let taken =
        record::time(&checkpoint.taken_at).context("the checkpoint's manifest does not say when it was taken")?;
    let mut compared = Compared::of(saved, sandbox).context(NOT_COMPARED)?;
    let alike = compared.compare_saved(taken.as_second()).await.context(NOT_COMPARED)?;
    Ok((compared, alike))
}

/// The checkpoint with the list of its documents, if every byte of its own files and that list are what was saved.
pub(super) async fn whole(cx: &Context<'_>, place: Place<'_>) -> Result<(Checkpoint, (Lister, Manifest))> {
    let name = &cx.settings.wanted.name;
    let trees = crate::documents::trees(&cx.settings.documents_trees)?;
    let argv = place.command(VERIFY.name, &[("NAME", name), ("TREES", &trees.join("\n"))], false);
    let side = Side { pod: place.pod, root: &documents(name) };
    let texts = messages(&texts(VERIFY.text, VERIFY.files));
    let (lister, begun) = place.cluster.open_lister(side, &trees, (argv, texts), meant, false).await?.begin().await?;
    let (output, listed) = match begun {
        Begun::Listed(output, listed) => (output, listed),
        Begun::Ended(said) => return Err(unread(name, said)),
    };
    let checkpoint = as_saved(name, &output)?;
    same_trees(&checkpoint, &trees)?;
    ensure!(
        sha256(&listed.summary()) == checkpoint.documents.listing,
        "checkpoint {name} is damaged: its documents are not those that were saved; nothing was touched, take a new one"
    );
    Ok((checkpoint, (lister, listed)))
}

fn unread(name: &str, said: Said) -> anyhow::Error {
    if said.ended == Ended::Code(NO_SUCH) {
        let names: Vec<String> = said.stderr.lines().map(str::to_owned).collect();
        return missing(name, &names);
    }
    anyhow!("cannot read checkpoint {name}: {}", failed(&said.ended, &said.stderr, meant))
}

/// What an exit code of that script means: its own, or one of the documents' lister.
pub(super) fn meant(code: i32) -> Option<&'static str> {
    meaning(code).or_else(|| crate::documents::meaning(code))
}

fn as_saved(name: &str, output: &[u8]) -> Result<Checkpoint> {
    let (found, rest) = shelf::manifests(output)?;
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

fn same_trees(checkpoint: &Checkpoint, trees: &[String]) -> Result<()> {
    ensure!(
        checkpoint.documents.trees == trees,
        "checkpoint {} has the documents trees {}, and --documents-tree says {}",
        checkpoint.name,
        checkpoint.documents.trees.join(", "),
        trees.join(", ")
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
        ("STAMP", &stamp(name)),
        ("PRODUCTION", &cx.record.production_as_text()),
    ];
    Conversation::open(place, &RESTORE, &env).await
}

async fn prepared(cx: &Context<'_>, restore: Result<Conversation>) -> Result<(Conversation, Reset)> {
    let (mut restore, mut moved) = (restore?, Reset::default());
    restore.waits_for(Word::Restore, cx.report, |event| hear(event, &mut moved, cx.report)).await?;
    Ok((restore, moved))
}

/// What the sandbox has; with `receives` it can be brought up to date then.
pub(super) async fn sandbox_documents(cx: &Context<'_>, receives: bool) -> Result<(Lister, Manifest)> {
    let sandbox = cx.sandbox_pod().await?;
    let side = Side { pod: &sandbox, root: &cx.settings.documents_root };
    cx.cluster.lister(side, &cx.settings.documents_trees, receives).await
}
