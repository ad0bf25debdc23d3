//! A checkpoint is made: beside the old one, and put in its place when it is whole.
use super::conversation::{Conversation, Place};
use super::documents::{Sums, sides};
use super::shelf::order;
use crate::cluster::documents::Copied;
use crate::documents::manifest::{Kind, Manifest};
use crate::golden::manifest::{Checkpoint, Database, Documents, sha256};
use crate::golden::scripts::{BEGIN, DISCARD, LINK, MEASURE, SEAL};
use crate::golden::{database_of_set, documents_of_set, set, shelf};
use crate::jobs::{DUMP, Event};
use crate::record;
use crate::report::{self, Report};
use crate::step::Context;
use anyhow::{Context as _, Result, ensure};

/// The rules of the old set's removal and of the new one's name are the scripts'.
pub(super) async fn save(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let (name, set) = (&cx.settings.wanted.name, set(&cx.settings.wanted.name, cx.run));
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let script = begin(place, &set).await?;
    let saved = tokio::try_join!(dump(cx, script), copy(cx, place, &set));
    let (database, (copied, listing, damaged)) = match saved {
        Ok(saved) => saved,
        Err(error) => return Err(discarded(place, &set, error).await),
    };
    if let Some(damaged) = damaged {
        cx.warn(damaged);
    }
    if !copied.changed_while_read.is_empty() {
        cx.warn(format!(
            "the sandbox changed {} documents while they were read, twice; the checkpoint has them as they were last read",
            copied.changed_while_read.len()
        ));
    }
    let files = || listing.entries().iter().filter(|entry| entry.kind == Kind::File);
    let documents = Documents {
        trees: crate::documents::trees(&cx.settings.documents_trees)?,
        files: files().count() as u64,
        bytes: files().map(|entry| entry.size).sum(),
        listing: sha256(&listing.summary()),
    };
    cx.golden.saved = Some(Checkpoint {
        name: name.clone(),
        run: cx.run.to_owned(),
        taken_at: record::now().to_string(),
        by: cx.guard.holder().await,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        data_read_at: cx.data_read_at(),
        database,
        documents,
        ..Checkpoint::default()
    });
    Ok(())
}

/// An unfinished set takes room until the next checkpoint; it is no loss if it cannot be removed now.
async fn discarded(place: Place<'_>, set: &str, error: anyhow::Error) -> anyhow::Error {
    match order(place, DISCARD, &[("NAME", ""), ("SET", set)], "").await {
        Ok(_) => error.context("no checkpoint was made, and what there was is as it was"),
        Err(left) => {
            tracing::warn!("cannot remove the unfinished set {set}: {left:#}");
            error.context("no checkpoint was made; what was written is removed by the next one")
        }
    }
}

/// Room is made for the set, and the dump's script started, which writes nothing before what dead runs left is gone.
async fn begin(place: Place<'_>, set: &str) -> Result<Conversation> {
    let directory = database_of_set(set);
    let (room, env) = ([("SET", set)], [("SET_DIR", directory.as_str()), ("READS", "the sandbox")]);
    let (begun, script) = tokio::join!(order(place, BEGIN, &room, ""), Conversation::open(place, &DUMP, &env, true));
    begun.context("cannot begin a checkpoint")?;
    script
}

async fn dump(cx: &Context<'_>, mut script: Conversation) -> Result<Database> {
    script.go().await?;
    let mut database = Database { name: cx.settings.sandbox.database.clone(), ..Database::default() };
    while let Some(event) = script.next(cx.report).await.context("cannot save the database")? {
        match event {
            Event::Counted { tables, rows, sequences, large_objects, .. } => {
                database = Database { tables, rows, sequences, ..database };
                if large_objects > 0 {
                    let objects = report::many(large_objects, "large object");
                    let text = format!(
                        "the sandbox has {objects}: no checkpoint has them, and a reset that wipes and restores removes them"
                    );
                    cx.report.event(report::Event::Warning { text: &text });
                }
            }
            Event::Dumped { bytes, .. } => database.dump_bytes = bytes,
            _ => {}
        }
    }
    ensure!(database.tables > 0 && database.dump_bytes > 0, "the dump ended without saying what it holds");
    Ok(database)
}

/// What the newest checkpoint has already is taken from there. The third says what is wrong with it, if anything is.
async fn copy(cx: &Context<'_>, place: Place<'_>, set: &str) -> Result<(Copied, Manifest, Option<String>)> {
    let settings = cx.settings;
    let damaged = link(place, set, &settings.documents_trees).await?;
    let sandbox = cx.sandbox_pod().await?;
    let root = documents_of_set(set);
    let sides = sides((&sandbox, &settings.documents_root), (place.pod, &root));
    let progress = told(cx.report);
    let copied = cx.cluster.copy_documents(sides, &settings.documents_trees, &progress).await;
    let (copied, listing) = copied.context("cannot save the documents")?;
    Ok((copied, listing, damaged))
}

async fn link(place: Place<'_>, set: &str, trees: &[String]) -> Result<Option<String>> {
    let trees = crate::documents::trees(trees)?.join("\n");
    let odd = order(place, LINK, &[("SET", set), ("TREES", &trees)], "").await;
    let odd = odd.context("cannot begin with the documents of the newest checkpoint")?;
    let odd = String::from_utf8_lossy(&odd);
    let first = odd.lines().find_map(|line| Some(line.split_once("  ")?.1));
    Ok(first.map(|name| {
        format!("the newest checkpoint is damaged: {name} is not what was saved, so all documents were saved anew")
    }))
}

/// How much has been sent.
pub(super) fn told(report: &dyn Report) -> impl Fn(u64) + Sync + '_ {
    move |done| report.event(report::Event::Moved { done, total: None })
}

/// Only now does the name mean the new set.
pub(super) async fn seal(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let mut checkpoint = cx.golden.saved.take().context("a bug: nothing was saved")?;
    let set = set(&checkpoint.name, cx.run);
    let measured = async {
        let measured = order(place, MEASURE, &[("SET", &set)], "").await?;
        checkpoint.files = shelf::sums(&measured);
        checkpoint.bytes = shelf::bytes(&measured) + checkpoint.documents.bytes;
        ensure!(checkpoint.files.len() > Sums::OWN_FILES, "the set is not as it was written");
        cx.guard.prove_lease().await?;
        checkpoint.seal().context("cannot write the manifest")
    };
    let line = match measured.await {
        Ok(line) => line,
        Err(error) => return Err(discarded(place, &set, error).await),
    };
    let sealed = order(place, SEAL, &[("SET", &set), ("NAME", &checkpoint.name)], &format!("{line}\n")).await;
    let left = match sealed {
        Ok(left) => left,
        Err(error) => {
            let name = &checkpoint.name;
            return Err(error
                .context(format!("checkpoint {name} was not completed: it is the former one or the new one, whole")));
        }
    };
    let left = String::from_utf8_lossy(&left).trim().to_owned();
    if !left.is_empty() {
        cx.warn(format!(
            "the former checkpoint could not be removed from the volume ({left}); the next one tries again"
        ));
    }
    cx.summary.rehearsal.taken = true;
    cx.summary.rehearsal.checkpoint = Some(checkpoint);
    Ok(())
}
