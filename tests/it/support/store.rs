//! The lab's etcd: typed objects with resourceVersion, uid, generation, finalizers, and a history that watches read.
//!
//! An object is a `serde_json::Value` under (resource, namespace, name), the resource being its
//! plural ("pods"); cluster-wide objects have the namespace "". All rules that hold whoever writes
//! are here (a no-op write is none, system fields cannot be written, the last finalizer gone
//! means gone); what only the API asks of its clients (validation, conflicts) is in `api`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast;

pub(crate) mod defaults;
pub(crate) mod deletion;
mod history;
pub(crate) mod kinds;
mod managed;
pub(crate) mod rules;
pub(crate) mod status;

pub(crate) use deletion::{DeleteOptions, Deleted, Propagation};
use history::History;
pub(crate) use history::{Change, ChangeKind};
pub(crate) use managed::sign;
pub(crate) use status::{Cause, Fault, Status};

type Key = (String, String, String);

#[derive(Default)]
struct State {
    revision: u64,
    objects: BTreeMap<Key, Value>,
    history: History,
}

/// All objects of one lab; clones share them.
#[derive(Clone)]
pub(crate) struct Store {
    state: Arc<Mutex<State>>,
    changes: broadcast::Sender<Change>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    pub(crate) fn new() -> Self {
        let state = State { revision: 1000, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), changes: broadcast::channel(8192).0 }
    }

    /// Writers work on a copy, so a writer that panicked has broken nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.lock().revision
    }

    pub(crate) fn get(&self, resource: &str, ns: &str, name: &str) -> Option<Value> {
        self.lock().objects.get(&key(resource, ns, name)).cloned()
    }

    /// In order of namespace and name; `None` is all namespaces.
    pub(crate) fn list(&self, resource: &str, ns: Option<&str>) -> Vec<Value> {
        self.list_at(resource, ns).1
    }

    /// The list, and the revision it is true at.
    pub(crate) fn list_at(&self, resource: &str, ns: Option<&str>) -> (u64, Vec<Value>) {
        let state = self.lock();
        let from = key(resource, ns.unwrap_or(""), "");
        let objects = state
            .objects
            .range(from..)
            .take_while(|((of, within, _), _)| of == resource && ns.is_none_or(|ns| within == ns));
        (state.revision, objects.map(|(_, object)| object.clone()).collect())
    }

    /// Stores a new object and gives it its system fields; 409 AlreadyExists.
    pub(crate) fn create(&self, resource: &str, object: Value) -> Result<Value, Status> {
        let (ns, name) = (text(&object, "namespace"), text(&object, "name"));
        let mut state = self.lock();
        let key = key(resource, &ns, &name);
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(resource, &name));
        }
        let mut object = object;
        rules::adorn_new(resource, &mut object);
        defaults::fill(resource, &mut object);
        Ok(self.put(&mut state, key, object))
    }

    /// Changes one object under the store's lock; 404 when there is none. System fields are kept
    /// whatever `change` does to them, and a change that changes nothing is not a write.
    pub(crate) fn mutate(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Status> {
        self.try_mutate(resource, ns, name, |object| {
            change(object);
            Ok(())
        })
    }

    /// As `mutate`, but `change` may refuse, and then nothing is written.
    pub(crate) fn try_mutate(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Value, Status> {
        self.change(false, (resource, ns, name), change)
    }

    /// As `try_mutate`; a `dry` one only says what would come of it.
    pub(crate) fn change(
        &self,
        dry: bool,
        (resource, ns, name): (&str, &str, &str),
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Value, Status> {
        let mut state = self.lock();
        let key = key(resource, ns, name);
        let old = state.objects.get(&key).ok_or_else(|| Status::not_found(resource, name))?.clone();
        let mut new = old.clone();
        change(&mut new)?;
        rules::keep_system_fields(&old, &mut new);
        defaults::fill(resource, &mut new);
        if new == old {
            return Ok(old);
        }
        rules::count_generation(resource, &old, &mut new);
        if dry {
            return Ok(new);
        }
        if rules::is_finished_deleting(resource, &new) {
            return Ok(self.remove(&mut state, &key, new));
        }
        Ok(self.put(&mut state, key, new))
    }

    /// As `mutate`, and records `writer` in managedFields as the API does for its clients.
    pub(crate) fn mutate_as(
        &self,
        writer: &str,
        resource: &str,
        ns: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Status> {
        self.mutate(resource, ns, name, |object| {
            let before = object.clone();
            change(object);
            if *object != before {
                sign(&before, object, writer, "Update", "");
            }
        })
    }

    /// Deletes, or begins to: see [`Deleted`].
    pub(crate) fn delete(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        options: DeleteOptions,
    ) -> Result<Deleted, Status> {
        let mut state = self.lock();
        let key = key(resource, ns, name);
        let old = state.objects.get(&key).ok_or_else(|| Status::not_found(resource, name))?.clone();
        options.check(resource, name, &old)?;
        let (object, gone) = deletion::begin(resource, &old, &options);
        if gone {
            return Ok(Deleted { object: self.remove(&mut state, &key, object), gone });
        }
        let object = if object == old { old } else { self.put(&mut state, key, object) };
        Ok(Deleted { object, gone })
    }

    /// Every change from now on. A receiver that lags loses some: list again then.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The changes of one resource after `revision`, and the revision reached;
    /// `Err` (410) when that far back is forgotten.
    pub(crate) fn since(&self, resource: &str, revision: u64) -> Result<(u64, Vec<Change>), Status> {
        let state = self.lock();
        Ok((state.revision, state.history.since(resource, revision)?))
    }

    /// Compaction: watches from before now are told "410 Gone".
    pub(crate) fn forget_history(&self) {
        let mut state = self.lock();
        state.revision += 1;
        let now = state.revision;
        state.history.forget(now);
    }

    fn put(&self, state: &mut State, key: Key, object: Value) -> Value {
        let mut object = object;
        state.revision += 1;
        object["metadata"]["resourceVersion"] = state.revision.to_string().into();
        let previous = state.objects.insert(key.clone(), object.clone());
        let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.tell(state, key.0, kind, object.clone(), previous);
        object
    }

    fn remove(&self, state: &mut State, key: &Key, object: Value) -> Value {
        let mut object = object;
        state.revision += 1;
        object["metadata"]["resourceVersion"] = state.revision.to_string().into();
        let previous = state.objects.remove(key);
        self.tell(state, key.0.clone(), ChangeKind::Deleted, object.clone(), previous);
        object
    }

    fn tell(&self, state: &mut State, resource: String, kind: ChangeKind, object: Value, previous: Option<Value>) {
        let change = Change { resource, kind, object, previous, revision: state.revision };
        state.history.add(change.clone());
        // No receiver is no failure: a lab without controllers has none.
        let _ = self.changes.send(change);
    }
}

fn key(resource: &str, ns: &str, name: &str) -> Key {
    (resource.to_owned(), ns.to_owned(), name.to_owned())
}

fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
