//! A checkpoint is made: beside the old one, and put in its place when it is whole.
use super::advice;
use super::conversation::{Conversation, Place};
use super::documents::sides;
use super::shelf::order;
use super::verify::{meant, sandbox_documents};
use crate::cli::program;
use crate::cluster::documents::{Approved, Begun, Compared, Copied, Lister, Opened, Side};
use crate::cluster::exec::failed;
use crate::documents::frames::messages;
use crate::documents::manifest::{Kind, Manifest};
use crate::golden::manifest::{Checkpoint, Database, Documents, sha256};
use crate::golden::scripts::{BEGIN, DISCARD, LINK, NEXT, SEAL, texts};
use crate::golden::{database_of_set, documents_of_set, set, stamp_of_set};
use crate::jobs::{DUMP, Event};
use crate::record;
use crate::report::{self, Report};
use crate::step::Context;
use anyhow::{Context as _, Result, bail, ensure};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// A volume that takes longer to remove what dead runs left hangs.
const ROOM_LIMIT: Duration = Duration::from_secs(3600);
/// Of a list of documents: what was written since is not in it.
const OLD: Duration = Duration::from_secs(2);
const NOT_SAVED: &str = "cannot save the documents";

/// The rules of the old set's removal and of the new one's name are the scripts'.
pub(super) async fn save(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let (name, set) = (&cx.settings.wanted.name, set(&cx.settings.wanted.name, cx.run));
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let (room, is_made) = oneshot::channel();
    let database = async {
        let script = begin(cx, place, &set).await.context("cannot save the database")?;
        // Nobody waits for it any more where the documents have failed.
        let _ = room.send(());
        dump(cx, script).await
    };
    let saved = tokio::try_join!(database, linked(cx, place, &set, is_made));
    let ((dumped, script), copied) = match saved {
        Ok(saved) => saved,
        Err(error) => return Err(discarded(place, &set, error).await),
    };
    warned(cx, &dumped);
    let documents = documents(cx, &copied)?;
    let checkpoint = Checkpoint {
        name: name.clone(),
        run: cx.run.to_owned(),
        taken_at: record::now().to_string(),
        by: cx.guard.holder().await,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        data_read_at: cx.data_read_at(),
        database: dumped.database,
        documents,
        ..Checkpoint::default()
    };
    cx.golden.saved = Some((checkpoint, script));
    Ok(())
}

/// An unfinished set takes room until the next checkpoint; it is no loss if it cannot be removed now.
pub(super) async fn discarded(place: Place<'_>, set: &str, error: anyhow::Error) -> anyhow::Error {
    let error = advice::on_room(error);
    match order(place, DISCARD, &[("NAME", ""), ("SET", set)], "").await {
        Ok(_) => error.context("no checkpoint was made, and what there was is as it was"),
        Err(left) => {
            tracing::warn!("cannot remove the unfinished set {set}: {left:#}");
            error.context("no checkpoint was made; what was written is removed by the next one")
        }
    }
}

/// Starts the dump's script, which makes room for the set while it connects, and after which the set is completed: two execs less, as a
/// container runtime starts one of a container after the other.
async fn begin(cx: &Context<'_>, place: Place<'_>, set: &str) -> Result<Conversation> {
    let (directory, stamp) = (database_of_set(set), stamp_of_set(set));
    let env = [
        ("SET", set),
        ("NAME", &cx.settings.wanted.name),
        ("SET_DIR", directory.as_str()),
        ("STAMP", stamp.as_str()),
        ("READS", "the sandbox"),
        ("PRODUCTION", &cx.record.production_as_text()),
    ];
    let texts = [&[("ROOM_SH", BEGIN.text), (NEXT, SEAL.text)], SEAL.files].concat();
    let mut script = Conversation::begin(place, &DUMP, &env, &texts).await?;
    let room = async {
        while let Some(event) = script.next(cx.report).await? {
            if event == Event::Room {
                return Ok(());
            }
        }
        bail!("the dump ended before there was room for it")
    };
    timeout(ROOM_LIMIT, room)
        .await
        .context("what dead runs left is not removed within an hour: is the volume all right?")??;
    Ok(script)
}

/// What the dump has told.
#[derive(Default)]
struct Dumped {
    database: Database,
    /// They are left out.
    large_objects: u64,
    /// The newest checkpoint's dump is not what was saved.
    damaged: bool,
}

fn warned(cx: &mut Context<'_>, dumped: &Dumped) {
    if dumped.damaged {
        cx.warn(format!(
            "the newest checkpoint is damaged: its dump is not what was saved, so all of the database is dumped anew; a reset to \
             that one, or to another that has the same dump, is refused: `{} checkpoint delete NAME`, or take it again",
            program()
        ));
    }
    if dumped.large_objects > 0 {
        let objects = report::many(dumped.large_objects, "large object");
        cx.warn(format!(
            "the sandbox has {objects}: no checkpoint has them, and a reset that wipes and restores removes them"
        ));
    }
}

/// Up to where all is written; that the script ends is waited for before the set is measured.
async fn dump(cx: &Context<'_>, mut script: Conversation) -> Result<(Dumped, Conversation)> {
    let mut dumped = Dumped::default();
    let database = &mut dumped.database;
    database.name.clone_from(&cx.settings.sandbox.database);
    while let Some(event) = script.next(cx.report).await.context("cannot save the database")? {
        match event {
            Event::Counted { tables, rows, sequences, large_objects, .. } => {
                (database.tables, database.rows, database.sequences) = (tables, rows, sequences);
                dumped.large_objects = large_objects;
            }
            Event::Damaged => dumped.damaged = true,
            Event::Dumped { bytes, .. } => {
                ensure!(database.tables > 0 && bytes > 0, "the dump holds nothing");
                database.dump_bytes = bytes;
                return Ok((dumped, script));
            }
            _ => {}
        }
    }
    bail!("the dump ended without saying what it holds")
}

/// What the newest checkpoint has already is taken from there once there is room; whether it still is what was saved shows when the set is
/// measured.
///
/// All execs are opened at the same time: a container runtime takes little longer for several than for one.
async fn linked(
    cx: &Context<'_>,
    place: Place<'_>,
    set: &str,
    room: oneshot::Receiver<()>,
) -> Result<(Copied, Manifest)> {
    let brought = async {
        let (opened, (sandbox, listed)) = tokio::try_join!(open_documents(cx, place, set), async {
            Ok((sandbox_documents(cx, false).await?, Instant::now()))
        })?;
        room.await.context("no room was made for them")?;
        let (to, since) = set_documents(place, opened).await?;
        // Where it took long to make room they are older than the database's snapshot.
        let from = if listed.elapsed() < OLD { sandbox } else { sandbox_documents(cx, false).await? };
        let mut compared = Compared::of(from, to)?;
        if let Some(since) = since {
            compared.compare_sums(since).await?;
        }
        cx.cluster.bring_documents(compared, &Approved, &told(cx.report)).await
    };
    brought.await.context(NOT_SAVED)
}

async fn open_documents(cx: &Context<'_>, place: Place<'_>, set: &str) -> Result<Opened> {
    let (trees, root) = (crate::documents::trees(&cx.settings.documents_trees)?, documents_of_set(set));
    let argv = place.command(LINK.name, &[("SET", set), ("TREES", &trees.join("\n"))], false);
    let texts = messages(&texts(LINK.text, LINK.files));
    let side = Side { pod: place.pod, root: &root };
    cx.cluster.open_lister(side, &trees, (argv, texts), meant, true).await
}

/// Those that the set begins with, and since when one that was written to is not known by its size and time.
async fn set_documents(place: Place<'_>, opened: Opened) -> Result<((Lister, Manifest), Option<i64>)> {
    let (lister, begun) = opened.begin().await?;
    match begun {
        Begun::Listed(said, manifest) => {
            let since = match str::from_utf8(&said)?.trim() {
                "" => None,
                since => Some(since.parse().with_context(|| format!("{since:?} is no time"))?),
            };
            Ok(((lister, manifest), since))
        }
        Begun::Ended(said) => bail!("cannot list them in {}: {}", place.pod, failed(&said.ended, &said.stderr, meant)),
    }
}

/// Brings what of the sandbox's documents the set does not have.
pub(super) async fn copied(cx: &Context<'_>, place: Place<'_>, set: &str) -> Result<(Copied, Manifest)> {
    let sandbox = cx.sandbox_pod().await?;
    let root = documents_of_set(set);
    let sides = sides((&sandbox, &cx.settings.documents_root), (place.pod, &root));
    let progress = told(cx.report);
    let copied = cx.cluster.copy_documents(sides, &cx.settings.documents_trees, &progress).await;
    copied.context(NOT_SAVED)
}

/// What the manifest says of them.
pub(super) fn documents(cx: &mut Context<'_>, (copied, listing): &(Copied, Manifest)) -> Result<Documents> {
    if !copied.changed_while_read.is_empty() {
        cx.warn(format!(
            "the sandbox changed {} documents while they were read, twice; the checkpoint has them as they were last read",
            copied.changed_while_read.len()
        ));
    }
    let files = || listing.entries().iter().filter(|entry| entry.kind == Kind::File);
    Ok(Documents {
        trees: crate::documents::trees(&cx.settings.documents_trees)?,
        files: files().count() as u64,
        bytes: files().map(|entry| entry.size).sum(),
        listing: sha256(&listing.summary()),
    })
}

/// How much has been sent.
pub(super) fn told(report: &dyn Report) -> impl Fn(u64) + Sync + '_ {
    move |done| report.event(report::Event::Moved { done, total: None })
}
