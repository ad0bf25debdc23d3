//! Argo CD's application controller: compares, heals, and has operations in flight.
//!
//! What it wants (Git, in life) is declared by the test: manifests, compared field by field with
//! what lives in the Application's destination namespace; a field that Git does not name is nobody's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::store::rules::now;
use super::super::store::{Status, Store};
use super::objects::{name, namespace};
use super::{Next, sooner};

const WRITER: &str = "argocd-controller";

/// What it wants and what it is doing; clones share it.
#[derive(Clone)]
pub(crate) struct Argo(Arc<Mutex<State>>);

struct State {
    wanted: Vec<(String, Value)>,
    /// The pause between seeing a drift and healing it.
    heal_after: Duration,
    drifting: BTreeMap<String, Instant>,
    operations: BTreeMap<String, Instant>,
    /// How many times it has put something back.
    heals: usize,
}

impl Default for Argo {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            wanted: Vec::new(),
            heal_after: Duration::from_millis(200),
            drifting: BTreeMap::new(),
            operations: BTreeMap::new(),
            heals: 0,
        })))
    }
}

impl fmt::Debug for Argo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        write!(
            f,
            "Argo({} manifests, {} heals)",
            state.wanted.len(),
            state.heals
        )
    }
}

impl Argo {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Git says so from now on: a manifest with its name and namespace.
    pub(crate) fn declare(&self, resource: &str, manifest: Value) {
        let mut state = self.lock();
        let same = |one: &(String, Value)| {
            one.0 == resource
                && name(&one.1) == name(&manifest)
                && namespace(&one.1) == namespace(&manifest)
        };
        state.wanted.retain(|one| !same(one));
        state.wanted.push((resource.to_owned(), manifest));
    }

    pub(crate) fn heal_after(&self, pause: Duration) {
        self.lock().heal_after = pause;
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
        self.lock()
            .operations
            .insert(key(ns, application), Instant::now() + lasts);
        let operation = json!({"initiatedBy": {"automated": true}, "retry": {"limit": 5}, "sync": {"revision": "HEAD"}});
        store.mutate_as(WRITER, "applications", ns, application, |object| {
            object["operation"] = operation.clone();
            object["status"]["operationState"] = json!({
                "operation": operation, "phase": "Running", "startedAt": now(),
                "message": "waiting for healthy state",
            });
        })?;
        Ok(())
    }

    /// One look at every Application.
    pub(super) fn reconcile(&self, store: &Store) -> Next {
        let applications = store.list("applications", None);
        applications
            .iter()
            .map(|one| self.one(store, one))
            .fold(None, sooner)
    }

    fn one(&self, store: &Store, application: &Value) -> Next {
        let frozen = &application["metadata"]["annotations"]["argocd.argoproj.io/skip-reconcile"];
        if frozen == "true" {
            return None;
        }
        if let Some(next) = self.operate(store, application) {
            return next;
        }
        let destination = application["spec"]["destination"]["namespace"]
            .as_str()
            .unwrap_or("");
        let drift = self.drift(store, destination);
        tell(store, application, drift.is_empty());
        let key = key(namespace(application), name(application));
        if drift.is_empty() || !is_armed(application) {
            self.lock().drifting.remove(&key);
            return None;
        }
        self.heal(store, application, &key, &drift)
    }

    /// Puts it back when the pause is over, else says when that is.
    fn heal(
        &self,
        store: &Store,
        application: &Value,
        key: &str,
        drift: &[(String, Value)],
    ) -> Next {
        let pause = self.lock().heal_after;
        let since = *self
            .lock()
            .drifting
            .entry(key.to_owned())
            .or_insert_with(Instant::now);
        if let Some(left) = pause
            .checked_sub(since.elapsed())
            .filter(|left| !left.is_zero())
        {
            return Some(left);
        }
        self.sync(store, drift);
        self.lock().heals += 1;
        self.lock().drifting.remove(key);
        finish(
            store,
            application,
            "Succeeded",
            "successfully synced (all tasks run)",
        );
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
            finish(store, application, "Failed", "Operation terminated");
        } else {
            let destination = &application["spec"]["destination"]["namespace"];
            let drift = self.drift(store, destination.as_str().unwrap_or_default());
            self.sync(store, &drift);
            finish(
                store,
                application,
                "Succeeded",
                "successfully synced (all tasks run)",
            );
        }
        Some(None)
    }

    /// The manifests that what lives does not agree with.
    fn drift(&self, store: &Store, destination: &str) -> Vec<(String, Value)> {
        let mut wanted = self.lock().wanted.clone();
        wanted.retain(|(resource, manifest)| {
            let live = store.get(resource, destination, name(manifest));
            namespace(manifest) == destination && !live.is_some_and(|live| agrees(&live, manifest))
        });
        wanted
    }

    fn sync(&self, store: &Store, drift: &[(String, Value)]) {
        for (resource, manifest) in drift {
            let place = (namespace(manifest), name(manifest));
            let healed = store.mutate_as(WRITER, resource, place.0, place.1, |live| {
                json_patch::merge(live, manifest);
            });
            if healed.is_err() {
                // It was deleted: Git's copy comes back. A refusal shows as OutOfSync.
                let _ = store.create(resource, manifest.clone());
            }
        }
    }
}

fn key(ns: &str, name: &str) -> String {
    format!("{ns}/{name}")
}

/// Does drift alone make it sync?
fn is_armed(application: &Value) -> bool {
    let automated = &application["spec"]["syncPolicy"]["automated"];
    automated["selfHeal"] == true && automated["enabled"] != false
}

/// Every field that `wanted` names is so in `live`.
fn agrees(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().all(|(field, wanted)| {
            live.get(field)
                .map_or(wanted.is_null(), |live| agrees(live, wanted))
        }),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| agrees(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

fn tell(store: &Store, application: &Value, synced: bool) {
    let status = if synced { "Synced" } else { "OutOfSync" };
    let refresh = "argocd.argoproj.io/refresh";
    let asked = application["metadata"]["annotations"][refresh].is_string();
    if application["status"]["sync"]["status"] == status && !asked {
        return;
    }
    // Gone in the meantime: nobody to tell.
    let _ = store.mutate_as(
        WRITER,
        "applications",
        namespace(application),
        name(application),
        |object| {
            if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
                annotations.shift_remove(refresh);
            }
            object["status"]["sync"]["status"] = status.into();
            object["status"]["reconciledAt"] = now().into();
            object["status"]["health"]["status"] = "Healthy".into();
        },
    );
}

fn finish(store: &Store, application: &Value, phase: &str, message: &str) {
    let _ = store.mutate_as(
        WRITER,
        "applications",
        namespace(application),
        name(application),
        |object| {
            if let Some(fields) = object.as_object_mut() {
                fields.shift_remove("operation");
            }
            let state = &mut object["status"]["operationState"];
            if state["phase"].as_str() != Some("Running")
                && state["phase"].as_str() != Some("Terminating")
            {
                *state = json!({"operation": {"sync": {"revision": "HEAD"}}, "startedAt": now()});
            }
            state["phase"] = phase.into();
            state["message"] = message.into();
            state["finishedAt"] = now().into();
        },
    );
}
