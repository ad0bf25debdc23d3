//! Looking after the sets in the bucket. Nothing of the cluster is changed, and no Lease is taken.
use super::Run;
use crate::cli::{BackupAction, Output, RunFlags, spoken};
use crate::outcome::Outcome;
use crate::record;
use crate::report::{self, Event, many, size};
use crate::retention::Proof;
use crate::shutdown::Shutdown;
use crate::step::backup::State;
use crate::step::backup::shelf::{Falls, Shelf, Stored};
use crate::step::backup::verify::{self, Found};
use crate::step::rights;
use crate::summary::Summary;
use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// A run that is over waits no longer for the store to take back what it does not need.
const LIMIT: Duration = Duration::from_secs(60);

impl Run<'_> {
    /// Parts that stay are no half set, and a later prune removes them: a warning, and no failure of its own.
    pub(super) async fn let_uploads_go(&self, backup: &State, shutdown: &mut Shutdown, summary: &mut Summary) {
        let gone = tokio::select! {
            biased;
            signal = shutdown.requested() => Err(signal.into()),
            gone = backup.let_go() => gone,
            () = tokio::time::sleep(LIMIT) => Err(anyhow!("not within {} s", LIMIT.as_secs())),
        };
        if let Err(error) = gone {
            let text = format!(
                "parts of an unfinished upload may be left in the bucket: {error:#}; a backup or `backup prune` removes \
                 them when they are older than a day"
            );
            self.report.event(Event::Warning { text: &text });
            summary.warnings.push(text);
        }
    }

    pub(super) async fn look_after_backups(
        &self,
        action: Option<&BackupAction>,
        flags: &RunFlags,
        summary: &mut Summary,
    ) -> Result<Outcome> {
        let cluster = self.connect().await?;
        rights::check_bucket(self.settings, &cluster).await?;
        let shelf = Shelf::open(self.settings, &cluster).await?;
        let (policy, now, output) = (self.settings.backups.policy, Timestamp::now(), flags.output);
        let said = match action {
            Some(BackupAction::Show { set }) => {
                let set = shelf.find(Some(set), policy).await?;
                shown(output, &set, || described(&set, now))?
            }
            Some(BackupAction::Prune { plan }) => {
                let plan = *plan || flags.dry_run;
                let falls = shelf.falls(policy, now).await?;
                if !plan {
                    shelf.remove(&falls).await?;
                }
                shown(output, &falls, || told(&falls, plan))?
            }
            Some(BackupAction::Verify { set, .. }) => {
                let set = shelf.find(set.as_deref(), policy).await?;
                let identity = self.settings.backups.identity.as_deref();
                let read = verify::read_back(&shelf, &set, (identity, !flags.dry_run), self.report).await;
                let found = read.with_context(|| format!("set {} cannot be trusted", set.manifest.id))?;
                let verified = Verified::of(set, &found);
                shown(output, &verified, || verified.told())?
            }
            Some(BackupAction::List) | None => {
                let sets = shelf.sets(policy, now).await?;
                shown(output, &sets, || sets.iter().map(|set| line(set, now)).collect::<Vec<_>>().join("\n"))?
            }
        };
        summary.told = true;
        report::result(&said).context("cannot write the result")?;
        Ok(Outcome::default())
    }
}

/// A set that was read back.
#[derive(Serialize)]
struct Verified {
    #[serde(flatten)]
    set: Stored,
    /// Entries of the dump's table of contents; absent where the dump could not be opened, or is newer than this tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    dump_entries: Option<u64>,
    /// Of these, how many have their data in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    dump_blocks: Option<u64>,
    /// Members of the archive of documents; absent where it could not be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents_entries: Option<u64>,
}

impl Verified {
    fn of(set: Stored, Found { toc, packed }: &Found) -> Self {
        Self {
            set,
            dump_entries: toc.as_ref().map(|toc| toc.entries.len() as u64),
            dump_blocks: toc.as_ref().map(|toc| toc.blocks),
            documents_entries: packed.as_ref().map(|packed| packed.entries),
        }
    }

    fn told(&self) -> String {
        let mut lines = vec![format!("set {} is as it was stored", self.set.manifest.id)];
        if let (Some(entries), Some(blocks)) = (self.dump_entries, self.dump_blocks) {
            lines.push(format!(
                "dump       {entries} entries, all that pg_restore found when it was made; {blocks} with their data"
            ));
        }
        if let Some(entries) = self.documents_entries {
            lines.push(format!("documents  {entries} entries, as many as were stored; no name leads elsewhere"));
        }
        lines.join("\n")
    }
}

fn shown(output: Output, what: &impl Serialize, text: impl FnOnce() -> String) -> Result<String> {
    Ok(match output {
        Output::Json => serde_json::to_string_pretty(what)?,
        Output::Text => text(),
    })
}

fn line(set: &Stored, now: Timestamp) -> String {
    let age = spoken(now.as_second() - set.manifest.begun_at.as_second());
    let sizes = (set.manifest.database.dump.bytes, set.manifest.documents.tar.bytes);
    let origin = if set.beside.is_empty() { String::new() } else { format!("  {}", set.manifest.origin()) };
    format!(
        "{}  {age:>12} old  database {:>8}  documents {:>8}  {:<9}  {}{origin}",
        set.manifest.id,
        size(sizes.0),
        size(sizes.1),
        proof(set),
        keeping(set)
    )
}

fn proof(set: &Stored) -> &'static str {
    match set.proof() {
        Proof::Restored => "restored",
        Proof::ReadBack => "read back",
        Proof::None => "unproved",
    }
}

fn keeping(set: &Stored) -> String {
    let rules: Vec<&str> = set.verdict.rules.iter().map(|rule| rule.words()).collect();
    match (rules.is_empty(), set.verdict.until) {
        (true, _) => "removed by the next prune".to_owned(),
        (false, None) => rules.join(", "),
        (false, Some(until)) => format!("{} until {}", rules.join(", "), &until.to_string()[..10]),
    }
}

fn described(set: &Stored, now: Timestamp) -> String {
    let manifest = &set.manifest;
    let (database, documents) = (&manifest.database, &manifest.documents);
    let begun_at = record::to_the_second(manifest.begun_at);
    let mut lines = vec![
        line(set, now),
        format!("made       {begun_at} to {}, by {}, {}", manifest.ended_at, manifest.by, manifest.tool),
        format!("read back  {}", when(set.read_back_at)),
        format!("restored   {}", when(set.restored_at)),
        format!("encrypted  {}", if manifest.encrypted { "for age recipients" } else { "no" }),
        format!("database   {}, PostgreSQL {}, read at {}", manifest.origin(), database.server, database.read_at),
        format!(
            "           {}, {}, {}",
            many(database.tables.len() as u64, "table"),
            many(database.rows, "row"),
            many(database.sequences, "sequence")
        ),
        format!(
            "documents  {}: {}; without {}",
            documents.root,
            many(documents.files, "file"),
            documents.excluded.join(", ")
        ),
    ];
    for object in manifest.objects() {
        lines.push(format!("object     {}: {} bytes, SHA-256 {}", object.key, object.bytes, object.sha256));
    }
    lines.extend(manifest.warnings.iter().map(|warning| format!("warning    {warning}")));
    lines.join("\n")
}

fn when(time: Option<Timestamp>) -> String {
    time.map_or("never".to_owned(), |time| format!("at {time}"))
}

fn told(falls: &Falls, plan: bool) -> String {
    let word = if plan { "would remove" } else { "removed" };
    let sets = falls.sets.iter().map(|set| format!("{word} set {set}"));
    let debris = falls.debris.iter().map(|key| format!("{word} debris {key}"));
    let uploads = falls.uploads.iter().map(|key| format!("{word} the parts of the unfinished upload {key}"));
    let lines: Vec<String> = sets.chain(debris).chain(uploads).chain(falls.unlisted.clone()).collect();
    match lines.is_empty() {
        true => "there is nothing to remove".to_owned(),
        false => lines.join("\n"),
    }
}
