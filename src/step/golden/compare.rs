//! What has changed in the sandbox since a checkpoint.
use super::conversation::{Conversation, Place};
use super::documents::differing;
use super::verify;
use crate::golden::database;
use crate::golden::difference::{Difference, Row, Sequence, Table};
use crate::jobs::{Change, DIFF, Event};
use crate::report;
use crate::step::Context;
use anyhow::{Context as _, Result, ensure};
use serde_json::value::RawValue;

/// Reads only.
pub(super) async fn compare(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let name = cx.settings.wanted.name.clone();
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    // A checkpoint that is damaged ends it at once; whatever else failed may have failed because of that.
    let ((checkpoint, saved), (database, sandbox)) = tokio::try_join!(verify::whole(cx, place), async {
        Ok(tokio::join!(rows(cx, place, &name), verify::sandbox_documents(cx, false)))
    })?;
    let sandbox = sandbox.context(verify::NOT_COMPARED)?;
    let (compared, alike) = verify::with_sandbox((&checkpoint, saved), sandbox).await?;
    let files = differing(&compared.new, &compared.old, |path| alike.changed.contains(path));
    compared.end().await;
    if !alike.unknown.is_empty() {
        cx.warn(format!(
            "whether {} changed within the second in which it was saved cannot be told: the sandbox's programs know whole seconds only, \
             and no sum of it",
            report::many(alike.unknown.len() as u64, "document")
        ));
    }
    cx.summary.rehearsal.difference =
        Some(Difference { checkpoint: name, taken_at: checkpoint.taken_at, files, ..database? });
    Ok(())
}

async fn rows(cx: &Context<'_>, place: Place<'_>, name: &str) -> Result<Difference> {
    let directory = database(name);
    let wanted = if cx.settings.wanted.rows { "1" } else { "" };
    let env = [("SET_DIR", directory.as_str()), ("ROWS", wanted), ("PRODUCTION", &cx.record.production_as_text())];
    let mut script = Conversation::begin(place, &DIFF, &env, &[]).await?;
    let (mut found, mut whole) = (Difference::default(), false);
    while let Some(event) = script.next(cx.report).await.context("cannot compare the database")? {
        whole |= matches!(event, Event::Diffed { .. });
        take(&mut found, event)?;
    }
    ensure!(whole, "the comparison of the database ended before it was done");
    Ok(found)
}

fn take(found: &mut Difference, event: Event) -> Result<()> {
    match event {
        Event::TableChanged { name, added, changed, removed } => {
            let table = found.table(&name);
            *table = Table { added, changed, removed, ..std::mem::take(table) };
        }
        Event::Row { table, change, key, old, new } => {
            let change = match change {
                Change::Added => "added",
                Change::Changed => "changed",
                Change::Removed => "removed",
            };
            found.table(&table).rows.push(Row { change, key: json(key)?, old: json(old)?, new: json(new)? });
        }
        Event::SequenceChanged { name, was, is } => {
            let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
            found.sequences.push(Sequence { name, was, is });
        }
        Event::SchemaChanged { what } => found.schema.extend(what),
        _ => {}
    }
    Ok(())
}

fn json(text: Option<String>) -> Result<Box<RawValue>> {
    RawValue::from_string(text.unwrap_or_else(|| "null".to_owned())).context("cannot read a row")
}
