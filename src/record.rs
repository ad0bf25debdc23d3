//! What a sandbox is, as data: since when it holds which data of production's, who brought it there, and what was kept of it.
//!
//! It lies in a ConfigMap of the tool's own in the sandbox's namespace ([`crate::cluster::Cluster::record`]), and outlives its runs.
//! Not in the Lease, which goes at the end of each run; not on the Namespace, which is cluster-scoped and would need rights beyond
//! the namespace; not on the Deployment, which Argo CD manages and may strip of what Git does not declare.
//!
//! No run depends on it: without the right to it, or when it is damaged, less is known and a warning says so. What a run is about to do
//! to the database stands in it before the commit, and is struck out at the run's end, so one that was killed is known by it.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Absent is what has never happened, or is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// When the data that is in the sandbox's database was read from production, by whatever way it came: a refresh from
    /// production, a reset to a checkpoint (that of the checkpoint), a backup (that of the backup).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_read_at: Option<Timestamp>,
    /// The last that brought the database to what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Act>,
    /// The last that made the documents equal to production's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
    /// Production's database as it was last read, so that it is never taken for the sandbox's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<Server>,
    /// The last backup that succeeded, by environment: `prod`, `sandbox`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub backups: BTreeMap<String, Act>,
    /// Of each command's last success: how long each step took, in their order. What the next run may expect.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub timings: BTreeMap<String, Vec<StepTime>>,
    /// What a newer version has written.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Something that was done, and ended well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// When it ended, to the second.
    pub at: Timestamp,
    /// user@machine
    pub by: String,
    /// The run's id, as in the names of its objects.
    pub run: String,
    /// As it is typed: `refresh`.
    pub command: String,
    /// From the Lease's taking to its end.
    pub seconds: f64,
    /// How: `full` or `differences`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Of a checkpoint or a reset its name, of a backup its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// A database, by what tells it from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// As its Secret or `--pg-host` says.
    pub host: String,
    /// As its server says; of some it is a secret.
    pub system_identifier: Option<String>,
    pub address: Option<String>,
    pub port: Option<u16>,
    pub database: String,
    pub database_oid: u32,
    /// The roles that own it and its objects.
    pub owners: Vec<String>,
}

/// What a run has set out to do and not told the end of: it is under way, or was ended in between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// When it began to change the database.
    pub at: Timestamp,
    /// user@machine
    pub by: String,
    pub run: String,
    /// As it is typed: `reset`.
    pub command: String,
    /// Of a checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the data was read from production that it brings, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_read_at: Option<Timestamp>,
    /// It is not known whether the database was committed.
    pub database: bool,
    /// The documents are not known to be what belongs to the database.
    pub documents: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    pub step: String,
    pub seconds: f64,
}

impl Record {
    /// When the data was read at the latest: where a run was ended at its commit, it is the one or the other, and the older counts.
    pub fn data_read_at_least(&self) -> Option<Timestamp> {
        match &self.unfinished {
            Some(unfinished) if unfinished.database => Some(self.data_read_at?.min(unfinished.data_read_at?)),
            _ => self.data_read_at,
        }
    }

    /// As the Job's scripts take it; empty where nobody knows.
    pub fn production_as_text(&self) -> String {
        self.production.as_ref().and_then(|server| serde_json::to_string(server).ok()).unwrap_or_default()
    }

    /// Strikes out of what is unfinished what `run` has brought to its end: `database` if that is known now, `documents` too.
    pub fn settle(&mut self, database: bool, documents: bool) {
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.database &= !database;
            unfinished.documents &= !documents;
        }
        self.unfinished = self.unfinished.take().filter(|unfinished| unfinished.database || unfinished.documents);
    }
}

/// To the second, as it is shown.
pub fn now() -> Timestamp {
    to_the_second(Timestamp::now())
}

/// As a script in the cluster says it, RFC 3339; `None` for anything else.
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(to_the_second)
}

/// Without what is finer.
pub fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_version_wrote_is_kept() {
        let text = r#"{"data_read_at":"2026-01-02T03:04:05Z","later":{"a":1}}"#;
        let record: Record = serde_json::from_str(text).expect("a record");
        assert_eq!(record.data_read_at, time("2026-01-02T03:04:05.678Z"));
        assert_eq!(serde_json::to_string(&record).expect("text"), text);
    }
}
