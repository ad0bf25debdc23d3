//! The sandbox is brought to a checkpoint: the database in one transaction, then the documents.
use super::conversation::{Conversation, Place};
use super::documents::Sums;
use super::save::told;
use super::verify;
use crate::cluster::documents::{Compared, Copied};
use crate::jobs::{self, Event, Word};
use crate::report::{self, Report};
use crate::step::intent::Intent;
use crate::step::{Context, argocd};
use crate::summary::Reset;
use crate::undo::Undo;
use anyhow::{Context as _, Result, bail, ensure};
use std::time::Duration;

/// How long the script is listened to when the word to commit could not be said.
const LOST_WORD_LIMIT: Duration = Duration::from_secs(10);

/// Up to the commit nothing has happened that anybody could see.
pub(super) async fn database(cx: &mut Context<'_>) -> Result<()> {
    let (mut restore, mut moved) = cx.golden.restore.take().context("a bug: no restore was prepared")?;
    if cx.found.stops {
        last_undone_first(cx).await?;
    }
    let checkpoint = cx.golden.verified.clone().context("a bug: no checkpoint was verified")?;
    let intent = Intent::of(cx, checkpoint.data_read_at.as_deref(), true).await;
    cx.summary.set_out = true;
    let disturbed = cx.cluster.disturbed(argocd::stopped(cx.settings));
    let stops = cx.found.stops;
    tokio::select! {
        biased;
        disturbed = disturbed, if stops => Err(disturbed),
        (restored, ()) = async { tokio::join!(up_to_the_commit(cx, &mut restore, &mut moved), intent.write()) } => restored,
    }
    .context("nothing was committed, the sandbox's database is as it was")?;
    cx.summary.told_to_commit = true;
    let committed = committed(cx, &mut restore).await;
    cx.summary.told_to_commit = !restore.rolled_back();
    committed?;
    cx.summary.committed = true;
    cx.summary.data_read_at.clone_from(&checkpoint.data_read_at);
    cx.summary.not_compared.clone_from(&moved.not_compared);
    if !moved.grants_lost.is_empty() {
        cx.warn(jobs::lost_grants(&moved.grants_lost));
    }
    cx.summary.rehearsal.checkpoint = Some(checkpoint);
    cx.summary.rehearsal.reset = Some(moved);
    cx.golden.committed = Some(restore);
    Ok(())
}

/// The word may have arrived although it seems not to; then the script tells what came of it.
async fn committed(cx: &Context<'_>, restore: &mut Conversation) -> Result<()> {
    let said = restore.say(Word::Commit).await;
    let heard = async {
        while let Some(event) = restore.next(cx.report).await? {
            if event == Event::Committed {
                return Ok(());
            }
        }
        bail!("the restore ended without saying that it has committed")
    };
    match said {
        Ok(()) => heard.await,
        Err(error) => tokio::time::timeout(LOST_WORD_LIMIT, heard).await.unwrap_or(Err(error)),
    }
}

/// Whatever ends the run now, the restore ends before the application starts.
async fn last_undone_first(cx: &Context<'_>) -> Result<()> {
    let (namespace, name) = (cx.settings.sandbox.namespace.clone(), super::open::job_name(cx.run));
    match cx.golden.open.as_ref().is_some_and(|open| open.cold) {
        true => cx.guard.before_change(Undo::DeleteJob { namespace, name }).await,
        false => Ok(()),
    }
}

async fn up_to_the_commit(cx: &Context<'_>, restore: &mut Conversation, moved: &mut Reset) -> Result<()> {
    restore.say(Word::Restore).await?;
    restore.waits_for(Word::Commit, cx.report, |event| hear(event, moved, cx.report)).await?;
    if cx.found.stops {
        // A watch may lag, and the commit word cannot be taken back.
        cx.cluster.still_stopped(argocd::stopped(cx.settings)).await?;
    }
    cx.guard.prove_lease().await
}

/// What the restore tells on its way is shown, and kept for the summary.
pub(super) fn hear(event: &Event, moved: &mut Reset, report: &dyn Report) {
    let text = match event {
        Event::Compared { mode, why, .. } => {
            moved.mode = Some(*mode);
            moved.why.clone_from(why);
            why.as_str()
        }
        Event::PutBack(rows) => {
            moved.rows = *rows;
            return;
        }
        Event::Granted { lost, .. } => {
            moved.grants_lost.clone_from(lost);
            return;
        }
        Event::Verified { tables, rows, sequences, not_compared } => {
            moved.verified = [*tables, *rows, *sequences];
            moved.not_compared.clone_from(not_compared);
            "put back and found equal"
        }
        _ => return,
    };
    report.event(report::Event::Progress { text: &text });
}

/// What the planner should know is brought up to date meanwhile.
pub(super) async fn documents(cx: &mut Context<'_>) -> Result<()> {
    let restore = cx.golden.committed.take();
    let found = cx.golden.documents.take();
    let (put_back, analyzed) = tokio::join!(put_back(cx, found), end(cx, restore));
    if let Err(error) = analyzed {
        cx.warn(format!("the database has been put back, but what follows failed: {error:#}"));
    }
    cx.summary.documents = Some(put_back.context("could not put the documents back")?);
    Ok(())
}

async fn put_back(cx: &Context<'_>, found: Option<Compared>) -> Result<Copied> {
    let golden = cx.golden_pod()?;
    let place = Place { cluster: cx.cluster, pod: &golden, run: cx.run };
    // What was found before the sandbox was stopped is history, and so is what was found long ago.
    let compared = match found.filter(|found| !cx.found.stops && found.is_fresh()) {
        Some(compared) => compared,
        None => {
            let ((checkpoint, saved), sandbox) =
                tokio::try_join!(verify::whole(cx, place), verify::sandbox_documents(cx, true))?;
            verify::with_sandbox((&checkpoint, saved), sandbox).await?.0
        }
    };
    let sums = Sums { name: &cx.settings.wanted.name };
    let (copied, _) = cx.cluster.bring_documents(compared, &sums, &told(cx.report)).await?;
    // Nobody has anything to write there.
    let odd = &copied.changed_while_read;
    ensure!(odd.is_empty(), "the checkpoint's own documents changed while they were read: {}", odd.join(", "));
    Ok(copied)
}

async fn end(cx: &Context<'_>, restore: Option<Conversation>) -> Result<()> {
    let Some(mut restore) = restore else { return Ok(()) };
    while let Some(event) = restore.next(cx.report).await? {
        if let Event::Analyzed { failed } = event
            && !failed.is_empty()
        {
            bail!("ANALYZE failed: {}", failed.join("; "));
        }
    }
    Ok(())
}
