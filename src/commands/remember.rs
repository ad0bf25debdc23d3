//! What came of a run goes into the sandbox's record, for `status` and for the runs after it.
use super::{Run, holder};
use crate::cluster::Cluster;
use crate::cluster::failure::refusal;
use crate::record::{self, Act, Record, StepTime};
use crate::report::Event;
use crate::shutdown::Shutdown;
use crate::summary::Summary;
use anyhow::{Result, anyhow};
use std::time::Duration;

/// The run is over, and this is not worth more of anybody's time.
const LIMIT: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// What the runs before have recorded. Less is known without it.
    pub(super) async fn known(&self, cluster: &Cluster) -> Record {
        match cluster.record(&self.settings.sandbox.namespace).await {
            Ok(record) => record.unwrap_or_default(),
            Err(error) => {
                // Whoever may not read it is told at the end that it was not written.
                if refusal(&error).is_none() {
                    let text = format!(
                        "what earlier runs have seen of production is not compared with the sandbox: {error:#}"
                    );
                    self.report.event(Event::Warning { text: &text });
                }
                Record::default()
            }
        }
    }

    /// Also of a run that failed: what it had committed by then stands. Never fails one; it warns.
    pub(super) async fn remember(&self, cluster: &Cluster, shutdown: &mut Shutdown, summary: &mut Summary, well: bool) {
        let act = Act {
            at: record::now(),
            by: holder::by(),
            run: self.id.clone(),
            command: summary.command.clone(),
            seconds: (summary.seconds * 10.0).round() / 10.0,
            ..Act::default()
        };
        if !note(&mut Record::default(), &act, summary, well) {
            return;
        }
        let namespace = &self.settings.sandbox.namespace;
        let change = |record: &mut Record| {
            note(record, &act, summary, well);
        };
        let written: Result<()> = tokio::select! {
            biased;
            signal = shutdown.requested() => Err(signal.into()),
            written = cluster.update_record(namespace, &change) => written,
            () = tokio::time::sleep(LIMIT) => Err(anyhow!("not within {} s", LIMIT.as_secs())),
        };
        if let Err(error) = written {
            let text =
                format!("`status` will not know of this run, as the sandbox's record was not written: {error:#}");
            self.report.event(Event::Warning { text: &text });
            summary.warnings.push(text);
        }
    }
}

/// Whether there was anything to note.
fn note(record: &mut Record, act: &Act, summary: &Summary, well: bool) -> bool {
    settle(record, act, summary);
    if summary.committed {
        record.data_read_at = summary.data_read_at.as_deref().and_then(record::time);
        record.database = Some(act.clone());
    }
    // A reset brings back the checkpoint's.
    if let Some(copied) = summary.documents.as_ref().filter(|_| summary.rehearsal.reset.is_none()) {
        record.documents = Some(Act { bytes: Some(copied.bytes), ..act.clone() });
    }
    if let Some(checkpoint) = summary.rehearsal.checkpoint.as_ref().filter(|_| summary.rehearsal.taken) {
        let (name, bytes) = (Some(checkpoint.name.clone()), Some(checkpoint.bytes));
        record.checkpoint = Some(Act { name, bytes, ..act.clone() });
    }
    // The database alone is no reset.
    if let (Some(reset), Some(_)) = (&summary.rehearsal.reset, &summary.documents) {
        let name = summary.rehearsal.checkpoint.as_ref().map(|checkpoint| checkpoint.name.clone());
        let mode = reset.mode.map(|mode| mode.word().to_owned());
        record.reset = Some(Act { name, mode, ..act.clone() });
    }
    if let Some(backup) = &summary.backup {
        let (name, bytes) = (Some(backup.set.clone()), Some(backup.bytes));
        record.backups.insert(backup.environment.clone(), Act { name, bytes, ..act.clone() });
    }
    record.production = summary.production.clone().or(record.production.take());
    if well && !summary.steps.is_empty() {
        let times = summary.steps.iter().map(|step| StepTime { step: step.step.to_owned(), seconds: step.seconds });
        record.timings.insert(act.command.clone(), times.collect());
    }
    summary.committed || summary.set_out || summary.documents.is_some() || summary.backup.is_some() || well
}

/// What this run has set out to do, or one before it that was ended, and is known to be done now, or known not to be done.
fn settle(record: &mut Record, act: &Act, summary: &Summary) {
    let mine = record.unfinished.as_ref().is_some_and(|unfinished| unfinished.run == act.run);
    let rolled_back = mine && !summary.committed && !summary.told_to_commit;
    record.settle(summary.committed || rolled_back, summary.documents.is_some() || rolled_back);
}
