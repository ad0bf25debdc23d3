//! What is done when the bracket itself is dropped before its end.
use super::Guard;
use super::unwind::leave;
use crate::cluster::Cluster;
use crate::cluster::lease::Held;
use crate::report::{Event, Report};
use crate::shutdown::Shutdown;
use crate::undo::Undo;
use anyhow::{Result, anyhow};
use futures::stream::pending;

/// The safety net for a bracket that was itself dropped (a cancelled future, a bug): on a thread of its own,
/// with its own runtime and connections, so that it works inside and outside of tokio.
impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if *self.over.get_mut() {
            return;
        }
        let journal = std::mem::take(self.journal.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let (cluster, report, held) = (self.cluster, self.report, self.held.get_mut().clone());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let undone = on_own_runtime(cluster, report, held, journal.clone());
                if let Err(error) = undone {
                    for undo in journal.iter().rev() {
                        report.event(Event::Advice { text: &leave(undo, anyhow!("{error:#}")) });
                    }
                }
            });
        });
    }
}

/// The same end as any other's, which leaves no journal and no Lease, or the Lease with the rest.
fn on_own_runtime(cluster: &Cluster, report: &dyn Report, held: Held, journal: Vec<Undo>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = cluster.reconnect()?;
        let mut guard = Guard::new(&cluster, report, held, journal);
        // There is no further resort.
        *guard.over.get_mut() = true;
        let outcome = guard.unwind(None, &mut Shutdown::on(pending()), 0).await;
        for left in &outcome.left {
            report.event(Event::Advice { text: left });
        }
        Ok(())
    })
}
