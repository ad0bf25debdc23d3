//! What a run is about to do to the sandbox, in its record before the commit: a run that is killed leaves nobody to say it afterwards.
use super::Context;
use crate::cluster::Cluster;
use crate::record::{self, Record, Unfinished};
use std::time::Duration;

/// It is written beside the restore, which takes longer; it must not hold up the commit for long.
const LIMIT: Duration = Duration::from_secs(5);

/// Ready to be written.
pub(super) struct Intent<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    unfinished: Unfinished,
}

impl<'a> Intent<'a> {
    /// The database becomes data that was read from production at `read_at`, and if `documents`, they are changed after it.
    pub(super) async fn of(cx: &Context<'a>, read_at: Option<&str>, documents: bool) -> Self {
        let holder = cx.guard.holder().await;
        let name = Some(cx.settings.wanted.name.clone()).filter(|name| !name.is_empty());
        let unfinished = Unfinished {
            at: record::now(),
            by: holder.split('/').next().unwrap_or_default().to_owned(),
            run: cx.run.to_owned(),
            command: cx.summary.command.clone(),
            name: name.filter(|_| cx.golden.is_reset()),
            data_read_at: read_at.and_then(record::time),
            database: true,
            documents,
        };
        Self { cluster: cx.cluster, namespace: &cx.settings.sandbox.namespace, unfinished }
    }

    /// No run depends on it; at the end a warning tells of a record that cannot be written.
    pub(super) async fn write(&self) {
        let change = |record: &mut Record| record.unfinished = Some(self.unfinished.clone());
        match tokio::time::timeout(LIMIT, self.cluster.update_record(self.namespace, &change)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::info!("cannot record what is about to be done: {error:#}"),
            Err(_) => tracing::info!("cannot record what is about to be done within {} s", LIMIT.as_secs()),
        }
    }
}
