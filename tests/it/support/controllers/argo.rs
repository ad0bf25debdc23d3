//! Argo CD's application controller: compares, heals, syncs new commits, and has operations in flight; beside it the
//! ApplicationSet controller.
//!
//! What it wants (Git, in life) is declared by the test: manifests, compared field by field with
//! what lives in the Application's destination namespace. A parent Application is one whose
//! destination is Argo CD's own namespace, and whose manifests are Applications.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::store::{Status, Store};
use super::objects::{name, namespace};
use super::{Next, sooner};

mod applicationset;
mod git;
mod status;

/// Whom managedFields names for what is synced, and for the Applications themselves.
const SYNC_WRITER: &str = "argocd-controller";
const APPLICATION_WRITER: &str = "argocd-application-controller";

/// What it wants and what it is doing; clones share it.
#[derive(Clone)]
pub(crate) struct Argo(Arc<Mutex<State>>);

struct State {
    wanted: Vec<git::Manifest>,
    /// The commit that Git is at.
    revision: u64,
    /// The commit that an Application was last synced to: automated sync tries each once.
    synced: BTreeMap<String, u64>,
    /// The pause between seeing a drift and healing it.
    heal_after: Duration,
    drifting: BTreeMap<String, Instant>,
    operations: BTreeMap<String, Instant>,
    /// How many times it has put something back.
    heals: usize,
    /// Since 3.1; before, it reads past the field.
    knows_enabled: bool,
    /// Its replicas are at 0: nothing is done.
    gone: bool,
}

impl Default for Argo {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            wanted: Vec::new(),
            revision: 1,
            synced: BTreeMap::new(),
            heal_after: Duration::from_millis(200),
            drifting: BTreeMap::new(),
            operations: BTreeMap::new(),
            heals: 0,
            knows_enabled: true,
            gone: false,
        })))
    }
}

impl fmt::Debug for Argo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        write!(f, "Argo({} manifests, {} heals)", state.wanted.len(), state.heals)
    }
}

impl Argo {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Git says so from now on: a manifest with its name and namespace.
    pub(crate) fn declare(&self, resource: &str, manifest: Value) {
        git::declare(&mut self.lock().wanted, resource, manifest);
    }

    /// A new commit, whatever is in it, seen at once.
    pub(crate) fn commit(&self, store: &Store) {
        self.lock().revision += 1;
        let commit = self.lock().revision.to_string();
        for application in store.list("applications", None) {
            status::change(store, &application, |object| object["status"]["sync"]["revision"] = commit.clone().into());
        }
    }

    pub(crate) fn heal_after(&self, pause: Duration) {
        self.lock().heal_after = pause;
    }

    /// As Argo CD before 3.1, whatever the CRD knows.
    pub(crate) fn reads_past_enabled(&self) {
        self.lock().knows_enabled = false;
    }

    /// The controller is away, or back.
    pub(crate) fn is_gone(&self, gone: bool) {
        self.lock().gone = gone;
    }

    pub(crate) fn heals(&self) -> usize {
        self.lock().heals
    }

    /// A sync that takes so long; at its end what is declared is applied, armed or not.
    pub(crate) fn begin_operation(
        &self,
        store: &Store,
        ns: &str,
        application: &str,
        lasts: Duration,
    ) -> Result<(), Status> {
        self.lock().operations.insert(key(ns, application), Instant::now() + lasts);
        store.mutate_as(APPLICATION_WRITER, "applications", ns, application, status::begin).map(drop)
    }

    /// Whatever runs is through with its work now.
    pub(crate) fn end_operations(&self, store: &Store) {
        self.lock().operations.values_mut().for_each(|until| *until = Instant::now());
        for application in store.list("applications", None) {
            status::change(store, &application, |object| {
                object["status"]["operationState"]["message"] = "waiting for completion".into();
            });
        }
    }

    /// One look at every Application.
    pub(super) fn reconcile(&self, store: &Store) -> Next {
        if self.lock().gone {
            return None;
        }
        applicationset::reconcile(store);
        let applications = store.list("applications", None);
        applications.iter().map(|one| self.one(store, one)).fold(None, sooner)
    }

    fn one(&self, store: &Store, application: &Value) -> Next {
        let frozen = &application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"];
        if frozen == "true" {
            return None;
        }
        if let Some(next) = self.operate(store, application) {
            return next;
        }
        status::normalize(store, application);
        let drift = self.drift(store, application);
        status::compared(store, application, drift.is_empty());
        let key = key(namespace(application), name(application));
        let revision = self.lock().revision;
        let is_new = *self.lock().synced.entry(key.clone()).or_insert(revision) != revision;
        if drift.is_empty() || !self.is_automated(application) {
            self.lock().drifting.remove(&key);
            return None;
        }
        if is_new {
            self.sync(store, application, &drift);
            return None;
        }
        if application["spec"]["syncPolicy"]["automated"]["selfHeal"] != true {
            return None;
        }
        self.heal(store, application, &key, &drift)
    }

    fn is_automated(&self, application: &Value) -> bool {
        let automated = &application["spec"]["syncPolicy"]["automated"];
        automated.is_object() && (automated["enabled"] != false || !self.lock().knows_enabled)
    }

    /// Puts it back when the pause is over, else says when that is.
    fn heal(&self, store: &Store, application: &Value, key: &str, drift: &[git::Manifest]) -> Next {
        let pause = self.lock().heal_after;
        let since = *self.lock().drifting.entry(key.to_owned()).or_insert_with(Instant::now);
        if let Some(left) = pause.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) {
            return Some(left);
        }
        self.lock().heals += 1;
        self.lock().drifting.remove(key);
        self.sync(store, application, drift);
        None
    }

    /// `Some` while an operation occupies the Application, with when to look again.
    fn operate(&self, store: &Store, application: &Value) -> Option<Next> {
        let key = key(namespace(application), name(application));
        let asked = application["operation"].is_object();
        let until = self.lock().operations.get(&key).copied();
        let until = match until {
            Some(until) => until,
            // Somebody else's wish to sync: done at once.
            None if asked => Instant::now(),
            None => return None,
        };
        let terminated = application["status"]["operationState"]["phase"] == "Terminating";
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() && !terminated {
            return Some(Some(left));
        }
        self.lock().operations.remove(&key);
        if terminated {
            status::finish(store, application, "Failed", "Operation terminated");
        } else {
            let drift = self.drift(store, application);
            self.sync(store, application, &drift);
        }
        Some(None)
    }

    fn drift(&self, store: &Store, application: &Value) -> Vec<git::Manifest> {
        let wanted = self.lock().wanted.clone();
        let destination = &application["spec"]["destination"]["namespace"];
        git::drift(store, &wanted, destination.as_str().unwrap_or_default())
    }

    fn sync(&self, store: &Store, application: &Value, drift: &[git::Manifest]) {
        git::sync(store, drift);
        let revision = self.lock().revision;
        self.lock().synced.insert(key(namespace(application), name(application)), revision);
        status::finish(store, application, "Succeeded", "successfully synced (all tasks run)");
    }
}

fn key(ns: &str, name: &str) -> String {
    format!("{ns}/{name}")
}
