//! The Job that dumps production and restores the dump into the sandbox: started early, let go late.
mod containers;
mod source;

use super::intent::Intent;
use super::{Context, Running, about_image, waiting};
use crate::cluster::job::{Line, RefreshJob};
use crate::jobs::{self, Event, Mode, Word, lost_grants};
use crate::report::many;
use crate::summary::Database;
use crate::undo::Undo;
use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use containers::dump_container;
pub(super) use containers::{PRODUCTION, Set, dumping, environment, reading, restore_container};
use source::{production_host, server};
use std::collections::VecDeque;
use std::time::Duration;

/// An image of 150 MB on a slow registry, and a node that must be added first.
pub(super) const START_LIMIT: Duration = Duration::from_secs(600);
/// The image is there by then.
pub(super) const RESTORE_START_LIMIT: Duration = Duration::from_secs(60);
/// A word is lost when the API server restarts at that moment.
const SAY_ATTEMPTS: usize = 3;
/// How long a word whose answer was lost is given to show its effect in the log.
const LOST_WORD_LIMIT: Duration = Duration::from_secs(10);
/// The last lines of a log that a failure is told with.
const TAIL: usize = 8;

pub(super) fn name(run: &str) -> String {
    format!("sandbox-refresh-{run}")
}

pub(super) fn secret_name(run: &str) -> String {
    format!("sandbox-refresh-{run}-source")
}

pub(super) async fn start(cx: &mut Context<'_>) -> Result<()> {
    let found = cx.found.database.as_ref().context("a bug: the preflight looked at no database")?;
    let namespace = cx.settings.sandbox.namespace.clone();
    let (job, secret) = (name(cx.run), secret_name(cx.run));
    cx.guard.before_change(Undo::DeleteSecret { namespace: namespace.clone(), name: secret.clone() }).await?;
    cx.guard.before_change(Undo::DeleteJob { namespace: namespace.clone(), name: job.clone() }).await?;
    let owner = cx
        .cluster
        .start_job(&RefreshJob {
            namespace: &namespace,
            name: &job,
            run: cx.run,
            lease: &cx.guard.lease().await,
            image: &cx.settings.pg_image,
            dump: dump_container(cx, &found.prod_host, &secret),
            restore: restore_container(cx, &found.sandbox_host, &Set::of_production(cx)),
        })
        .await?;
    // The Pod waits for it; it takes the kubelet longer to get there.
    cx.cluster.copy_credentials(&found.credentials, &owner, &secret).await?;
    cx.job = Some(Running { owner, log: None });
    Ok(())
}

/// Ends when production is done with.
pub(super) async fn dump(cx: &mut Context<'_>) -> Result<()> {
    dumped(cx, jobs::RESTORE.name).await
}

/// Ends when `restore` waits for its word: it would take the sandbox as it is, and the sandbox is untouched.
pub(super) async fn check(cx: &mut Context<'_>) -> Result<()> {
    waits_for(cx, Word::Restore).await
}

/// Ends when the dump is there, and the container after it runs.
pub(super) async fn dumped(cx: &mut Context<'_>, next: &str) -> Result<()> {
    let owner = running(cx)?.owner.clone();
    let started = cx.cluster.container_started(&owner, jobs::DUMP.name, START_LIMIT);
    let started = waiting(cx.report, "waiting for the Pod", started).await;
    started.map_err(|error| about_image(error, "pg-image"))?;
    running(cx)?.log = Some(cx.cluster.follow(&owner, jobs::DUMP.name).await?);
    while next_event(cx, jobs::DUMP.name).await?.is_some() {}
    ensure!(cx.summary.database.is_some(), "the dump ended without saying what it holds");
    cx.cluster.container_started(&owner, next, RESTORE_START_LIMIT).await?;
    running(cx)?.log = Some(cx.cluster.follow(&owner, next).await?);
    Ok(())
}

/// Lets the restore go, and lets it commit while nothing has come back to life: a restore under a running application
/// would be mixed with its writes.
pub(super) async fn restore(cx: &mut Context<'_>) -> Result<()> {
    let owner = running(cx)?.owner.clone();
    // Newest in the journal: whatever ends the run now, the restore ends before the application starts.
    cx.guard.before_change(Undo::DeleteJob { namespace: owner.namespace.clone(), name: owner.name.clone() }).await?;
    let intent = Intent::of(cx, cx.summary.data_read_at.as_deref(), cx.found.copies_documents).await;
    cx.summary.set_out = true;
    let disturbed = cx.cluster.disturbed(super::argocd::stopped(cx.settings));
    tokio::select! {
        biased;
        disturbed = disturbed => Err(disturbed),
        (restored, ()) = async { tokio::join!(restore_up_to_the_commit(cx), intent.write()) } => restored,
    }
    .context("the restore was not committed")?;
    cx.summary.told_to_commit = true;
    tell(cx, "commit", committed).await
}

async fn committed(cx: &mut Context<'_>) -> Result<()> {
    while let Some(event) = next_event(cx, jobs::RESTORE.name).await? {
        if matches!(event, Event::Committed) {
            return Ok(());
        }
    }
    bail!("the restore ended without saying that it has committed")
}

async fn restore_up_to_the_commit(cx: &mut Context<'_>) -> Result<()> {
    tell(cx, "restore", async |cx| waits_for(cx, Word::Commit).await).await?;
    // A watch may lag, and the commit word cannot be taken back.
    cx.cluster.still_stopped(super::argocd::stopped(cx.settings)).await?;
    cx.guard.prove_lease().await
}

/// Ends the Job's objects: what has committed is analyzed first, as that is the container's last act.
pub(super) async fn clean_up(cx: &mut Context<'_>) -> Result<()> {
    let report = cx.report;
    let analyzed = async {
        while next_event(cx, jobs::RESTORE.name).await?.is_some() {}
        Ok::<(), anyhow::Error>(())
    };
    if let Err(error) = waiting(report, "waiting for ANALYZE", analyzed).await {
        cx.warn(format!("the restore has committed, but what follows failed: {error:#}"));
    }
    remove(cx).await?;
    super::watchdog::end(cx).await
}

/// The Secret first: once the Job is gone, the cluster deletes it too, and the two would race.
pub(super) async fn remove(cx: &mut Context<'_>) -> Result<()> {
    cx.guard.settle(|undo| matches!(undo, Undo::DeleteSecret { .. })).await?;
    cx.guard.settle(|undo| matches!(undo, Undo::DeleteJob { .. })).await
}

pub(super) fn running<'a>(cx: &'a mut Context<'_>) -> Result<&'a mut Running> {
    cx.job.as_mut().context("a bug: no Job was started")
}

pub(super) async fn waits_for(cx: &mut Context<'_>, word: Word) -> Result<()> {
    while let Some(event) = next_event(cx, jobs::RESTORE.name).await? {
        if matches!(&event, Event::Waiting { r#for } if *r#for == word) {
            return Ok(());
        }
    }
    bail!("the restore ended before it was told to {word:?}")
}

/// Says a word, and sees `come` what must come of it. A word may arrive although it seems not to: its answer is lost, or the
/// container does what it is told and has ended before the answer is out.
async fn tell(cx: &mut Context<'_>, word: &str, come: impl AsyncFnOnce(&mut Context<'_>) -> Result<()>) -> Result<()> {
    let said = say(cx, word).await;
    let coming = come(cx);
    match said {
        Ok(()) => coming.await,
        // The log tells why, if the container has ended by itself.
        Err(error) => tokio::time::timeout(LOST_WORD_LIMIT, coming).await.unwrap_or(Err(error)),
    }
}

/// One word to the container that waits for it. Said again when the answer is lost: it waits for one word only, and
/// a repeated one is passed over.
async fn say(cx: &mut Context<'_>, word: &str) -> Result<()> {
    let cluster = cx.cluster;
    let running = running(cx)?;
    let log = running.log.as_ref().context("a bug: nobody follows the restore")?;
    let mut said = cluster.say(&running.owner, log.pod(), jobs::RESTORE.name, word).await;
    for _ in 1..SAY_ATTEMPTS {
        if said.is_ok() {
            break;
        }
        said = cluster.say(&running.owner, log.pod(), jobs::RESTORE.name, word).await;
    }
    said
}

/// The next event of the container's log; `None` when it has ended well.
///
/// # Errors
/// The container failed, in a sentence with its last lines.
async fn next_event(cx: &mut Context<'_>, container: &str) -> Result<Option<Event>> {
    let mut tail = VecDeque::new();
    let mut refused = None;
    loop {
        let log = running(cx)?.log.as_mut().context("a bug: nobody follows the Job's log")?;
        match log.next().await {
            Ok(Line::Text(line)) => match Event::read(&line) {
                Err(damaged) => bail!("the log of {container} has {damaged}"),
                Ok(Some(Event::Refused { code, reason, items, .. })) => {
                    cx.report.event(crate::report::Event::Log { line: &line });
                    // It says itself what came of the word.
                    cx.summary.told_to_commit &= code == jobs::FATE_UNKNOWN;
                    refused = Some((reason, items));
                }
                Ok(Some(event)) => {
                    record(cx, &event);
                    return Ok(Some(event));
                }
                Ok(None) => {
                    cx.report.event(crate::report::Event::Log { line: &line });
                    if tail.len() == TAIL {
                        tail.pop_front();
                    }
                    tail.push_back(line);
                }
            },
            Ok(Line::Ended { code: 0, .. }) => return Ok(None),
            Ok(Line::Ended { code, reason }) => {
                let by_itself = refused.is_some() || script(container).meaning(code).is_some();
                let told = why(container, code, &reason, refused, tail.make_contiguous());
                return Err(if by_itself { anyhow!(told) } else { with_what_the_cluster_says(cx, told).await });
            }
            Err(error) => {
                let told = format!("{error:#}{}", last_lines(tail.make_contiguous()));
                return Err(with_what_the_cluster_says(cx, told).await);
            }
        }
    }
}

fn why(container: &str, code: i32, reason: &str, refused: Option<(String, Vec<String>)>, tail: &[String]) -> String {
    if let Some((reason, items)) = refused {
        return script(container).refused(code, &reason, &items);
    }
    let meaning = match reason {
        "OOMKilled" => "it ran out of its 1 GiB of memory",
        _ => script(container).meaning(code).unwrap_or(reason),
    };
    format!("{container} failed (exit code {code}): {meaning}{}", last_lines(tail))
}

fn last_lines(tail: &[String]) -> String {
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let tail: Vec<String> = tail.iter().map(words).collect();
    if tail.is_empty() { String::new() } else { format!("; its last lines: {}", tail.join(" / ")) }
}

/// And the newest warning about the Job or its Pod, unless that is told already.
async fn with_what_the_cluster_says(cx: &Context<'_>, told: String) -> Error {
    let Some(Running { owner, .. }) = &cx.job else { return anyhow!(told) };
    let warning = cx.cluster.last_warning(&owner.namespace, &owner.name, true).await;
    let new = warning.filter(|warning| warning.split_once(": ").is_some_and(|(_, why)| !told.contains(why.trim())));
    let says = new.map_or(String::new(), |warning| format!("; the cluster says: {warning}"));
    anyhow!("{told}{says}")
}

fn script(container: &str) -> &'static jobs::Script {
    if container == jobs::DUMP.name { &jobs::DUMP } else { &jobs::RESTORE }
}

fn record(cx: &mut Context<'_>, event: &Event) {
    match event {
        Event::Source(source) => {
            cx.summary.data_read_at = Some(source.read_at.clone());
            cx.summary.production = production_host(cx).map(|host| server(source, host));
        }
        Event::Counted { tables, rows, sequences, owners, .. } => {
            if let Some(production) = &mut cx.summary.production {
                production.owners.clone_from(owners);
            }
            cx.summary.database =
                Some(Database { tables: *tables, rows: *rows, sequences: *sequences, dump_bytes: 0, put_back: None });
        }
        Event::Dumped { bytes, .. } => {
            cx.summary.database.iter_mut().for_each(|database| database.dump_bytes = *bytes);
        }
        Event::Writable { ways } => cx.summary.production_writable = Some(ways.clone()),
        Event::Committed => cx.summary.committed = true,
        Event::Adjusted => super::after::adjusted(cx),
        Event::Restoring => cx.progress("comparing the sandbox with the dump"),
        Event::Compared { mode: Mode::Differences, .. } => cx.progress("putting back what differs, in one transaction"),
        Event::Compared { mode: Mode::Full, why, .. } => {
            cx.progress(format!("wiping and restoring, in one transaction: {why}"));
        }
        Event::PutBack(moved) => {
            if let Some(database) = &mut cx.summary.database {
                database.put_back = Some(*moved);
            }
        }
        Event::Granted { lost, .. } if !lost.is_empty() => cx.warn(lost_grants(lost)),
        Event::Verified { not_compared, .. } => {
            cx.summary.not_compared.clone_from(not_compared);
            cx.progress("restored and found equal");
        }
        Event::Terminated { sessions } => cx.note(format!("ended {} of the application", many(*sessions, "session"))),
        Event::Analyzed { failed } if !failed.is_empty() => cx.warn(format!("ANALYZE failed: {}", failed.join("; "))),
        _ => {}
    }
}
