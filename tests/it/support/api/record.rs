//! Every request that came in, as a test wants to ask about it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::target::{Query, Target};

/// One request, and the code it was answered with.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) number: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// JSON when it is JSON, else the text.
    pub(crate) body: Value,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) at: Instant,
    /// None while there is no answer, and for ever when the connection was broken.
    pub(crate) code: Option<u16>,
}

impl Seen {
    pub(crate) fn target(&self) -> Option<Target> {
        Target::parse(&self.path)
    }

    pub(crate) fn query(&self) -> Query {
        Query::parse(&self.query)
    }

    /// The verb that a role must allow.
    pub(crate) fn verb(&self) -> &'static str {
        let one = self.target().is_some_and(|target| target.name.is_some());
        match self.method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if one => "delete",
            "DELETE" => "deletecollection",
            _ if self.query().is_set("watch") => "watch",
            _ if one || self.target().is_none() => "get",
            _ => "list",
        }
    }

    /// Does it change anything? An exec is counted as a write, a review of rights is not.
    pub(crate) fn is_write(&self) -> bool {
        let reads = self.target().is_none() || matches!(self.verb(), "get" | "list" | "watch");
        !reads || self.path.ends_with("/exec")
    }

    /// `patch deployments/scale erp-sandbox`: short, for asserting an order.
    pub(crate) fn line(&self) -> String {
        match self.target() {
            Some(target) => format!("{} {} {}", self.verb(), target.resource(), target.name()).trim_end().to_owned(),
            None => format!("{} {}", self.method, self.path),
        }
    }
}

/// The list of all requests so far; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<Seen>>>);

impl Record {
    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, mut seen: Seen) -> Seen {
        let mut all = self.lock();
        seen.number = all.len();
        all.push(seen.clone());
        seen
    }

    pub(super) fn answered(&self, number: usize, code: u16) {
        if let Some(seen) = self.lock().get_mut(number) {
            seen.code = Some(code);
        }
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// The writes in their order, each as [`Seen::line`]; refused ones and dry runs are none.
    pub(crate) fn writes(&self) -> Vec<String> {
        let all = self.lock();
        let done = all.iter().filter(|seen| {
            let done = seen.code.is_some_and(|code| code < 300);
            seen.is_write() && done && seen.query().get("dryRun").is_none()
        });
        done.map(Seen::line).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What a role would have to allow, sorted: (verb, group, resource, namespace).
    pub(crate) fn rights(&self) -> Vec<(String, String, String, String)> {
        let all = self.lock();
        let mut rights: Vec<_> = all
            .iter()
            .filter_map(|seen| {
                let target = seen.target()?;
                let group = target.kind.group.to_owned();
                Some((seen.verb().to_owned(), group, target.resource(), target.namespace))
            })
            .collect();
        rights.sort();
        rights.dedup();
        rights
    }
}
