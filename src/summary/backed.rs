//! What a backup has made.
use crate::report::{many, size};
use serde::Serialize;
use std::fmt::{self, Display};

/// A set that stands.
#[derive(Debug, Default, Serialize)]
pub struct Backed {
    pub set: String,
    pub environment: String,
    /// Where its manifest is.
    pub manifest: String,
    pub encrypted: bool,
    /// In the bucket.
    pub bytes: u64,
    pub dump_bytes: u64,
    pub tables: u64,
    pub rows: u64,
    pub documents_bytes: u64,
    pub files: u64,
    /// Sets that the retention rules let go, and that are gone.
    pub pruned: Vec<String>,
}

impl Display for Backed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "set        {} of {}, {}", self.set, self.environment, self.manifest)?;
        let [tables, rows] = [many(self.tables, "table"), many(self.rows, "row")];
        writeln!(f, "database   {tables}, {rows}; {} in the bucket", size(self.dump_bytes))?;
        write!(f, "documents  {}; {} in the bucket", many(self.files, "file"), size(self.documents_bytes))?;
        match self.pruned.len() {
            0 => Ok(()),
            count => write!(f, "\npruned     {}", many(count as u64, "set")),
        }
    }
}

/// A set that the sandbox was brought to. Sums are SHA-256, of the objects as they were read.
#[derive(Debug, Default, Serialize)]
pub struct FromBackup {
    pub set: String,
    pub environment: String,
    pub dump_sha256: String,
    /// Absent where the documents were not brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents_sha256: Option<String>,
    /// The bucket has it on record now that the set was restored.
    pub noted: bool,
}

impl FromBackup {
    /// It was made of the sandbox.
    pub fn is_own(&self) -> bool {
        self.environment != "prod"
    }
}

impl Display for FromBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noted = if self.noted { " (noted as restored)" } else { "" };
        write!(f, "backup {} of {}{noted}", self.set, self.environment)
    }
}
