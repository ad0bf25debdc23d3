//! The scripts that work on a database: their texts, what they need, what their exit codes mean, and the events they tell.
//!
//! Nothing is templated. A container runs `/bin/sh -c <text>` and gets every value by its environment: the Job's settings, and
//! the texts of `files` (SQL and awk programs) under the names given there.
mod facts;
mod refusal;
mod tables;

pub use facts::{Facts, Refusal, Room, Sessions};
pub use refusal::{is_unreached, told};
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use tables::{DIFF, DUMP, EXAMINE_SOURCE, EXAMINE_TARGET, RESTORE};

/// A script of the Job.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The container's name.
    pub name: &'static str,
    /// What `/bin/sh -c` gets.
    pub text: &'static str,
    /// The settings it needs, by environment; the Job adds `HOME`.
    pub env: &'static [&'static str],
    /// Texts it needs, by environment as well.
    pub files: &'static [(&'static str, &'static str)],
    /// Its own exit codes, as in its header.
    pub exit_codes: &'static [(i32, &'static str)],
}

/// Looks at a Pod of the application, by exec: `sh -c TEXT sh ROOT TREE…`.
pub const EXAMINE_POD: &str = include_str!("jobs/examine-pod.sh");

/// Waits in the place of `dump` for the files of a backup.
pub const RECEIVE: &str = include_str!("jobs/receive.sh");
/// Takes one of them, or the statements to be run after a restore, by exec: `sh -c TEXT sh NAME BYTES SHA256`.
pub const RECEIVE_FILE: &str = concat!(include_str!("jobs/unframe.sh"), include_str!("jobs/receive-file.sh"));

/// What an exit code of these two means.
pub fn receiving(code: i32) -> Option<&'static str> {
    Some(match code {
        52 => "the word to go on did not come",
        53 => "the stream was cut, or the volume is full",
        54 => "what arrived is not what the backup holds",
        _ => return None,
    })
}

impl Script {
    /// The sentence for an exit code of this script, if it is one of its own.
    pub fn meaning(&self, exit_code: i32) -> Option<&'static str> {
        self.exit_codes.iter().find(|(code, _)| *code == exit_code).map(|(_, sentence)| *sentence)
    }
}

/// What a script tells on a line of its standard output; every other line is for the log only.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// dump: the server and database that are read.
    Source(Identity),
    /// dump: the ways in which production's login could write, if its session let it; none for one that may only read.
    Writable { ways: Vec<String> },
    /// dump: there is room on the volume for what it leaves.
    Room,
    /// dump: what the snapshot holds.
    Counted {
        tables: u64,
        prefixed: u64,
        rows: u64,
        sequences: u64,
        #[serde(default)]
        large_objects: u64,
        /// The roles that own the database and its tables.
        #[serde(default)]
        owners: Vec<String>,
    },
    /// dump: the newest checkpoint's archive, which this one was to have as well, is not what was saved.
    Damaged,
    /// dump: the archive is there and was found complete; `bytes` are all it takes, with what the set has otherwise.
    Dumped { bytes: u64, entries: u64 },
    /// restore: the server and database that would be wiped.
    Target(Identity),
    /// restore: every refusal that needs no downtime has been made by now.
    Checked,
    /// restore: nothing goes on before this word is written to its FIFO `go`.
    Waiting { r#for: Word },
    /// restore: so many sessions of the application were ended.
    Terminated { sessions: u64 },
    /// restore: the transaction begins.
    Restoring,
    /// restore: how the sandbox is brought to the set, and why so. How many tables and sequences differ is not known where all is
    /// replaced unasked.
    Compared {
        mode: Mode,
        why: String,
        #[serde(default)]
        tables: Option<u64>,
        #[serde(default)]
        differing: Option<u64>,
        #[serde(default)]
        sequences: Option<u64>,
    },
    /// restore: so many rows were moved, in so many tables, and so many sequences were set.
    PutBack(PutBack),
    /// restore: what the sandbox's owner had granted to others before the wipe is granted again, but for what has lost its object, or only another
    /// role may do.
    Granted { grants: u64, lost: Vec<String> },
    /// restore: the transaction holds what was dumped; what of it was not compared, and why, is told.
    Verified {
        tables: u64,
        rows: u64,
        sequences: u64,
        #[serde(default)]
        not_compared: Vec<String>,
    },
    /// restore: the operator's own statements have been run.
    Adjusted,
    /// restore: the server says so.
    Committed,
    /// restore: the planner's statistics are new; what failed of that is told, and does not matter for the commit.
    Analyzed {
        #[serde(default)]
        failed: Vec<String>,
    },
    /// diff: so many rows of a table were added, changed and removed since the set was made.
    TableChanged { name: String, added: u64, changed: u64, removed: u64 },
    /// diff: a row of these, by its primary key (`None` where there is none), with what it was and what it is: each the text of a JSON object,
    /// so that no number in it is read as a float.
    Row { table: String, change: Change, key: Option<String>, old: Option<String>, new: Option<String> },
    /// diff: a sequence's `last_value` and `is_called`; `None` where it does not exist.
    SequenceChanged { name: String, was: Option<Value>, is: Option<Value> },
    /// diff: objects of the schema, a sentence each.
    SchemaChanged { what: Vec<String> },
    /// diff: all has been told.
    Diffed { tables: u64, rows: u64, sequences: u64 },
    /// source, target: what stands in a database and on its server.
    Examined(Box<Facts>),
    /// target: the room on the volume where a dump would lie.
    Scratch { free_kilobytes: u64 },
    /// Any: it ends now with this exit code, for this reason; source and target only tell it, and go on.
    Refused {
        code: i32,
        reason: String,
        #[serde(default)]
        items: Vec<String>,
        /// Where there may be several reasons: each by itself.
        #[serde(default)]
        each: Vec<Refusal>,
    },
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// How the sandbox is brought to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only what differs is put back.
    Differences,
    /// All is wiped and restored.
    Full,
}

impl Mode {
    /// As reports and the record have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Differences => "differences",
            Self::Full => "full",
        }
    }
}

/// What was moved where only what differs was put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    pub tables: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub sequences: u64,
}

/// The words that `restore` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Restore,
    Commit,
}

impl Word {
    /// The line that the script reads.
    pub fn line(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Commit => "commit",
        }
    }
}

/// Which server and which database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Identity {
    pub server_version_num: u32,
    pub server: String,
    pub system_identifier: Option<String>,
    pub address: Option<String>,
    pub port: Option<u16>,
    pub database: String,
    pub database_oid: u32,
    pub role: String,
    /// Would this session be allowed to write?
    #[serde(default)]
    pub writable: bool,
    pub read_at: String,
}

/// `restore`'s exit code when COMMIT was sent and nobody could be asked what became of it; with any other refusal it was rolled back.
pub const FATE_UNKNOWN: i32 = 33;

impl Event {
    /// The event that a line of output is, if it is one.
    pub fn parse(line: &str) -> Option<Self> {
        line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()
    }

    /// As [`Event::parse`]; a line that begins like an event and is none means that lines were damaged on their way.
    ///
    /// # Errors
    /// Such a line: its length, since the values in it are not for a message.
    pub fn read(line: &str) -> Result<Option<Self>, String> {
        match Self::parse(line) {
            None if line.starts_with("{\"event\"") => {
                Err(format!("an event of {} bytes that cannot be read", line.len()))
            }
            event => Ok(event),
        }
    }
}

/// A sentence about grants whose table, sequence, column or routine is not there any more, and about what another role had granted.
pub fn lost_grants(statements: &[String]) -> String {
    let told: Vec<&str> = statements.iter().take(5).map(String::as_str).collect();
    let more = if statements.len() > told.len() { "; …" } else { "" };
    format!(
        "privileges that stood in the sandbox were not put back ({}), as what they were for is not there any more, or only another role \
         may do it: {}{more}",
        statements.len(),
        told.join("; ")
    )
}

#[cfg(test)]
mod tests;
