//! The scripts that work on a database: their texts, what they need, what their exit codes mean, and the events they tell.
//!
//! Nothing is templated. A container runs `/bin/sh -c <text>` and gets every value by its environment: the Job's settings, and
//! the texts of `files` (SQL and awk programs) under the names given there.
mod facts;
mod refusal;
mod tables;

pub use facts::{Facts, Refusal, Room, Sessions};
pub use refusal::told;
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
pub const RECEIVE_FILE: &str = include_str!("jobs/receive-file.sh");

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
    /// dump: what the snapshot holds.
    Counted {
        tables: u64,
        prefixed: u64,
        rows: u64,
        sequences: u64,
        #[serde(default)]
        large_objects: u64,
    },
    /// dump: the archive is there and was found complete.
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
    /// restore: the transaction holds what was dumped.
    Verified { tables: u64, rows: u64, sequences: u64 },
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
    /// diff: a row of these, by its primary key (`None` where there is none), with what it was and what it is.
    Row { table: String, change: Change, key: Option<Value>, old: Option<Value>, new: Option<Value> },
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

impl Event {
    /// The event that a line of output is, if it is one.
    pub fn parse(line: &str) -> Option<Self> {
        line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const SCRIPTS: [&Script; 5] = [&DUMP, &RESTORE, &DIFF, &EXAMINE_SOURCE, &EXAMINE_TARGET];

    /// The names in the text's `${NAME:?}` and `${NAME?}`: what it will not run without.
    fn required(text: &str) -> BTreeSet<&str> {
        let names = text.split("\"${").skip(1).filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside));
        names.filter_map(|inside| inside.strip_suffix('?')).map(|name| name.trim_end_matches(':')).collect()
    }

    #[test]
    fn each_script_requires_exactly_the_environment_of_its_table() {
        for script in SCRIPTS {
            let table = script.env.iter().chain(script.files.iter().map(|(name, _)| name)).copied().collect();
            assert_eq!(required(script.text), table, "{}", script.name);
        }
    }

    #[test]
    fn each_header_lists_exactly_the_exit_codes_of_its_table() {
        for script in SCRIPTS {
            let (_, header) = script.text.split_once("# Exit codes:\n").expect("a list of exit codes");
            let lines = header.lines().map_while(|line| line.strip_prefix("#   ")?.split_once(' '));
            let listed: Vec<(i32, &str)> = lines.map(|(code, says)| (code.parse().expect("a number"), says)).collect();
            assert_eq!(listed, script.exit_codes, "{}", script.name);
        }
    }

    #[test]
    fn each_code_that_a_script_or_its_sql_refuses_with_is_in_its_table() {
        for script in SCRIPTS {
            for word in script.text.split("refuse ").skip(1) {
                let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
                if let Ok(code) = digits.parse() {
                    assert!(script.meaning(code).is_some(), "{}: {code}", script.name);
                }
            }
        }
    }

    /// Kubernetes turns `$$` into `$` and `$(NAME)` into a variable's value, in a command and in an environment value.
    #[test]
    fn no_text_holds_what_kubernetes_would_expand() {
        for script in SCRIPTS {
            for text in std::iter::once(script.text).chain(script.files.iter().map(|(_, text)| *text)) {
                assert!(!text.contains("$$"), "{}", script.name);
                let names = script.env.iter().chain(script.files.iter().map(|(name, _)| name));
                for name in names {
                    assert!(!text.contains(&format!("$({name})")), "{}: {name}", script.name);
                }
            }
        }
    }

    #[test]
    fn events_are_read_and_noise_is_not() {
        let line = r#"{"event" : "refused", "code" : 27, "reason" : "others", "items" : ["pid 1"]}"#;
        let refused = Event::Refused { code: 27, reason: "others".into(), items: vec!["pid 1".into()], each: vec![] };
        assert_eq!(Event::parse(line), Some(refused));
        let waiting = r#"{"event":"waiting","for":"commit"}"#;
        assert_eq!(Event::parse(waiting), Some(Event::Waiting { r#for: Word::Commit }));
        assert_eq!(Event::parse(r#"{"event":"analyzed"}"#), Some(Event::Analyzed { failed: vec![] }));
        assert_eq!(Event::parse("WARNING:  01006: no privileges"), None);
        assert_eq!(Event::parse(r#"{"event":"unheard of"}"#), None);
    }
}
