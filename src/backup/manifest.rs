//! What a set says of itself: written last, so that a set without it does not exist.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only form so far.
pub const FORMAT: u32 = 1;

/// What a set is, and of which objects it consists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The set's name.
    pub id: String,
    /// `prod` or `sandbox`.
    pub environment: String,
    /// To the millisecond, for the order of those that were begun in the same second.
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    /// Version of the tool.
    pub tool: String,
    pub run: String,
    pub by: String,
    /// The objects are encrypted by age.
    pub encrypted: bool,
    pub database: Database,
    pub documents: Documents,
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The database's part of a set: its objects, and what was in it when it was dumped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    pub dump: Object,
    /// What a restore needs beside the dump.
    pub extras: Object,
    pub name: String,
    /// The server's version, as it says it.
    pub server: String,
    /// Which server it is, by `pg_control_system()`: what `initdb` or `pg_upgrade` gave it. Absent where the role may not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_identifier: Option<String>,
    /// When the rows were read, in one snapshot.
    pub read_at: String,
    /// Of a sandbox, when the data in it had been read from production, if that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_read_at: Option<String>,
    pub rows: u64,
    pub sequences: u64,
    pub tables: Vec<Table>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub rows: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// The documents' part of a set: its archive, and what went into it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Documents {
    pub tar: Object,
    pub root: String,
    pub excluded: Vec<String>,
    pub files: u64,
    /// Entries of any type.
    pub entries: u64,
    /// Content of the files; sets of older versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
}

/// One object of the set, and what is in it when it is not encrypted any more. Sums are SHA-256 in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub key: String,
    pub bytes: u64,
    pub sha256: String,
    pub content_bytes: u64,
    pub content_sha256: String,
}

/// The files of a dumped database beside the dump, by their names.
pub type Extras = BTreeMap<String, String>;

impl Manifest {
    pub fn objects(&self) -> [&Object; 3] {
        [&self.database.dump, &self.database.extras, &self.documents.tar]
    }

    /// Of which database it is, for people too: what is kept of one does not use up another's days.
    pub fn origin(&self) -> String {
        let Database { name, system_identifier, .. } = &self.database;
        let server = system_identifier.as_ref().map_or(String::new(), |id| format!(" of server {id}"));
        format!("{name}{server}")
    }

    pub fn bytes(&self) -> u64 {
        self.objects().iter().map(|object| object.bytes).sum()
    }
}

/// What the server wrote of the database, as far as the manifest repeats it.
#[derive(Debug, Deserialize)]
pub struct Counted {
    pub tables: Vec<Table>,
}
