//! Production's documents, copied from its Pod into the sandbox's.
use super::Context;
use crate::cluster::documents::Side;
use crate::report::Event;
use anyhow::{Context as _, Result};
use std::time::Instant;

pub(super) async fn sync(cx: &mut Context<'_>) -> Result<()> {
    let settings = cx.settings;
    let container = settings.container.as_deref();
    let (source, target) = tokio::try_join!(
        cx.cluster.ready_pod(&settings.prod.namespace, &cx.found.prod()?.selector, container),
        cx.cluster.ready_pod(&settings.sandbox.namespace, &cx.found.sandbox.selector, container)
    )?;
    let (started, report) = (Instant::now(), cx.report);
    let progress = |bytes: u64| {
        let rate = bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
        report.event(Event::Progress { text: &format!("{} MB sent, {rate:.0} MB/s", bytes / 1_000_000) });
    };
    let root = &settings.documents_root;
    let sides = (Side { pod: &source, root }, Side { pod: &target, root });
    let (copied, _) = cx
        .cluster
        .copy_documents(sides, &settings.documents_trees, &progress)
        .await
        .context("could not copy the documents; what has arrived stays, run it again to send the rest")?;
    if !copied.changed_while_read.is_empty() {
        let count = copied.changed_while_read.len();
        let first = copied.changed_while_read.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        cx.warn(format!(
            "production changed {count} files while they were read, twice; the next run mends them: {first}"
        ));
    }
    cx.summary.documents = Some(copied);
    Ok(())
}
