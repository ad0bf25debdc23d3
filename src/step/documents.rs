//! Production's documents, copied from its Pod into the sandbox's.
use super::Context;
use crate::cluster::documents::{Approved, Side};
use crate::report::{Event, many};
use anyhow::{Context as _, Result};

pub(super) async fn sync(cx: &mut Context<'_>) -> Result<()> {
    let settings = cx.settings;
    let container = settings.container.as_deref();
    let (source, target) = tokio::try_join!(
        cx.cluster.ready_pod(&settings.prod.namespace, &cx.found.prod()?.selector, container),
        cx.cluster.ready_pod(&settings.sandbox.namespace, &cx.found.sandbox.selector, container)
    )?;
    let root = &settings.documents_root;
    let sides = (Side { pod: &source, root }, Side { pod: &target, root });
    let report = cx.report;
    cx.progress("listing both pods");
    let copy = async {
        let compared = cx.cluster.compare_documents(sides, &settings.documents_trees).await?;
        let total = Some(compared.bytes());
        let progress = move |done| report.event(Event::Moved { done, total });
        cx.cluster.bring_documents(compared, &Approved, &progress).await
    };
    let (copied, _) = copy.await.context(match cx.summary.committed {
        true => "could not copy the documents; what has arrived stays, but for the one file that was on its way",
        false => "could not copy the documents; what has arrived stays, but for the one file that was on its way: run it again to send the rest",
    })?;
    if !copied.changed_while_read.is_empty() {
        let files = many(copied.changed_while_read.len() as u64, "file");
        let first = copied.changed_while_read.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        cx.warn(format!("production changed {files} twice while they were read; the next run mends this: {first}"));
    }
    cx.summary.documents = Some(copied);
    Ok(())
}
