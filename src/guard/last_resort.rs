//! What is done when the bracket itself is dropped with changes not put back.
use super::{Guard, persist};
use crate::cluster::Cluster;
use crate::report::{Event, Report};
use crate::undo::Undo;
use anyhow::Result;

/// The safety net for a bracket that was itself dropped (a cancelled future, a bug): on a thread of its own,
/// with its own runtime and connections, so that it works inside and outside of tokio.
impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let undos = std::mem::take(self.journal.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
        if undos.is_empty() {
            return;
        }
        let (cluster, report) = (self.cluster, self.report);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let undone = on_own_runtime(cluster, report, &undos);
                if let Err(error) = undone {
                    for undo in undos.iter().rev() {
                        report.event(Event::Undone { undo, error: Some(&error) });
                    }
                }
            });
        });
    }
}

fn on_own_runtime(cluster: &Cluster, report: &dyn Report, undos: &[Undo]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = cluster.reconnect()?;
        for undo in undos.iter().rev() {
            let undone = persist(undo, &cluster).await;
            report.event(Event::Undone { undo, error: undone.as_ref().err() });
        }
        Ok(())
    })
}
