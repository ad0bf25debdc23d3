//! The lab's controllers: each a task that looks at the whole store and brings it one step nearer.
//!
//! **Imitated**: Deployment → ReplicaSet → Pods with `pod-template-hash`, rolling and Recreate,
//! status and the conditions Available and Progressing; Job → Pod with the tracking finalizer,
//! retries, deadline, suspension and TTL, a quota of Pods, conditions in the order of Kubernetes 1.31 and later;
//! volumes for claims of the default StorageClass;
//! garbage collection by owner (background, foreground, orphan) and of Namespaces; Argo CD's
//! automated sync of new commits, self-heal and operations, and the ApplicationSet controller.
//!
//! **Left out**: surge and unavailability during a rolling update (the new ReplicaSet comes up
//! whole, then the old one goes), revision history, indexed Jobs and pod failure policies, events,
//! autoscaling; a Job's retry waits 1 s and not 10 s, Argo CD's heal has no growing pause.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::store::Store;

pub(crate) mod argo;
pub(crate) mod claims;
mod deployments;
mod garbage;
mod jobs;
mod objects;
mod quota;
mod replicasets;

pub(crate) use argo::Argo;

/// The running controllers; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Controllers {
    /// Argo CD: what it wants, and what it is doing.
    pub(crate) argo: Argo,
    _tasks: JoinSet<()>,
}

impl Controllers {
    pub(crate) fn run(store: &Store) -> Self {
        let mut tasks = JoinSet::new();
        let argo = Argo::default();
        tasks.spawn(keep(store.clone(), &["deployments", "replicasets", "pods"], deployments::reconcile));
        tasks.spawn(keep(store.clone(), &["replicasets", "pods"], replicasets::reconcile));
        tasks.spawn(keep(store.clone(), &["jobs", "pods"], jobs::reconcile));
        tasks.spawn(keep(store.clone(), &["persistentvolumeclaims"], claims::reconcile));
        tasks.spawn(keep(store.clone(), &[], garbage::reconcile));
        let healer = argo.clone();
        let heal = move |store: &Store| healer.reconcile(store);
        tasks.spawn(keep(store.clone(), &["applications", "applicationsets", "deployments"], heal));
        Self { argo, _tasks: tasks }
    }
}

/// When to look again although nothing has changed.
type Next = Option<Duration>;

/// Reconciles now and after every change of the resources (none named: of all).
async fn keep(store: Store, of: &'static [&'static str], reconcile: impl Fn(&Store) -> Next) {
    let mut changes = store.subscribe();
    loop {
        let next = reconcile(&store).unwrap_or(Duration::from_secs(3600));
        let changed = async {
            loop {
                match changes.recv().await {
                    Ok(change) if of.is_empty() || of.contains(&change.resource.as_str()) => break,
                    Ok(_) => {}
                    // What was missed is seen by looking at everything.
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // Running out of time is the other reason to look again.
        let _ = timeout(next, changed).await;
        // One look serves all the changes that came together.
        while changes.try_recv().is_ok() {}
    }
}

/// The sooner of two times to look again.
fn sooner(one: Next, other: Next) -> Next {
    one.into_iter().chain(other).min()
}
