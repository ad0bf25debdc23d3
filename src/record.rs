//! What a sandbox is, as data: since when it holds which data of production's, who brought it there, and what was kept of it.
//!
//! It lies in a ConfigMap of the tool's own in the sandbox's namespace ([`crate::cluster::Cluster::record`]), and outlives its runs.
//! Not in the Lease, which goes at the end of each run; not on the Namespace, which is cluster-scoped and would need rights beyond
//! the namespace; not on the Deployment, which Argo CD manages and may strip of what Git does not declare.
//!
//! No run depends on it: without the right to it, or when it is damaged, less is known and a warning says so. A run that is killed
//! after its commit has not written it, so it may say that the data is older than it is, never that it is newer.
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
    /// How: `full`, `delta`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Of a checkpoint or a reset its name, of a backup its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    pub step: String,
    pub seconds: f64,
}

impl Record {
    /// How long `command` took when it last succeeded, if it ever did.
    pub fn expected_seconds(&self, command: &str) -> Option<f64> {
        Some(self.timings.get(command)?.iter().map(|time| time.seconds).sum())
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

fn to_the_second(time: Timestamp) -> Timestamp {
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

    #[test]
    fn the_steps_of_the_last_run_tell_how_long_the_next_takes() {
        let step = |seconds| StepTime { step: "a step".to_owned(), seconds };
        let mut record = Record::default();
        record.timings.insert("refresh".to_owned(), vec![step(1.5), step(2.0)]);
        assert_eq!(record.expected_seconds("refresh"), Some(3.5));
        assert_eq!(record.expected_seconds("reset"), None);
    }
}
