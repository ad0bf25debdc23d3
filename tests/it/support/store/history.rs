//! The changes that a watch can look back on.

use std::collections::VecDeque;

use serde_json::Value;

use super::Status;

/// How many, before a watch is told "410 Gone".
const LENGTH: usize = 20_000;

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) resource: String,
    pub(crate) kind: ChangeKind,
    pub(crate) object: Value,
    /// As it was before: a watch with a selector must tell "left the selection" from "changed".
    pub(crate) previous: Option<Value>,
    pub(crate) revision: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// The latest changes, in order of revision.
#[derive(Default)]
pub(super) struct History {
    changes: VecDeque<Change>,
    /// Watches from before this revision get "410 Gone".
    forgotten: u64,
}

impl History {
    pub(super) fn add(&mut self, change: Change) {
        self.changes.push_back(change);
        if self.changes.len() > LENGTH
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.revision;
        }
    }

    pub(super) fn since(&self, resource: &str, revision: u64) -> Result<Vec<Change>, Status> {
        if revision < self.forgotten {
            let (asked, kept) = (revision, self.forgotten);
            return Err(Status::expired(format!(
                "too old resource version: {asked} ({kept})"
            )));
        }
        let first = self
            .changes
            .partition_point(|change| change.revision <= revision);
        let newer = self.changes.range(first..);
        Ok(newer
            .filter(|change| change.resource == resource)
            .cloned()
            .collect())
    }

    pub(super) fn forget(&mut self, revision: u64) {
        self.changes.clear();
        self.forgotten = revision;
    }
}
