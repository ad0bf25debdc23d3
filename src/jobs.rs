//! The scripts of the refresh Job: their texts, what they need, what their exit codes mean, and the events they tell.
//!
//! Nothing is templated. A container runs `/bin/sh -c <text>` and gets every value by its environment: the Job's settings, and
//! the texts of `files` (SQL and awk programs) under the names given there.
use serde::Deserialize;

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

/// Reads production, in the init container.
pub const DUMP: Script = Script {
    name: "dump",
    text: concat!(include_str!("jobs/prelude.sh"), include_str!("jobs/dump.sh")),
    env: &[
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGUSER",
        "PGPASSWORD",
        "PGAPPNAME",
        "PGCONNECT_TIMEOUT",
        "TMPDIR",
        "TABLE_PREFIX",
        "MIN_TABLES",
        "SKIP_FUNCTIONS",
    ],
    files: &[
        ("IDENTITY_SQL", include_str!("jobs/identity.sql")),
        ("DUMP_SQL", include_str!("jobs/dump.sql")),
        ("DUMP_AWK", include_str!("jobs/dump.awk")),
    ],
    exit_codes: &[
        (10, "production's database cannot be reached"),
        (11, "production would accept writes from this session"),
        (12, "the client is older than production's server"),
        (13, "production could not be counted"),
        (14, "pg_dump failed"),
        (15, "the dump does not hold exactly what was counted"),
        (16, "production has fewer tables than it must"),
    ],
};

/// Replaces the sandbox's content in one transaction, when it is let go.
pub const RESTORE: Script = Script {
    name: "restore",
    text: concat!(include_str!("jobs/prelude.sh"), include_str!("jobs/restore.sh")),
    env: &[
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGUSER",
        "PGPASSWORD",
        "PGAPPNAME",
        "PGCONNECT_TIMEOUT",
        "TMPDIR",
        "SANDBOX_ROLE",
        "SOURCE_DATABASE",
        "SKIP_FUNCTIONS",
        "LOCK_TIMEOUT",
        "SESSION_GRACE_SECONDS",
    ],
    files: &[
        ("IDENTITY_SQL", include_str!("jobs/identity.sql")),
        ("CHECKS_SQL", include_str!("jobs/checks.sql")),
        ("BUDGET_SQL", include_str!("jobs/budget.sql")),
        ("SESSIONS_SQL", include_str!("jobs/sessions.sql")),
        ("WIPE_SQL", include_str!("jobs/wipe.sql")),
        ("WIPED_SQL", include_str!("jobs/wiped.sql")),
        ("VERIFY_SQL", include_str!("jobs/verify.sql")),
        ("COMMIT_SQL", include_str!("jobs/commit.sql")),
        ("BLOCKERS_SQL", include_str!("jobs/blockers.sql")),
        ("FATE_SQL", include_str!("jobs/fate.sql")),
        ("ANALYZE_SQL", include_str!("jobs/analyze.sql")),
        ("TOC_AWK", include_str!("jobs/toc.awk")),
        ("SEQUENCES_AWK", include_str!("jobs/sequences.awk")),
    ],
    exit_codes: &[
        (20, "the sandbox's database cannot be reached"),
        (21, "this is not the sandbox's database"),
        (22, "the login may do too much, or too little"),
        (23, "objects that the wipe must not take, or would leave"),
        (24, "the sandbox lacks an extension"),
        (25, "the server's lock table is too small"),
        (26, "the role may not create in schema public"),
        (27, "other sessions are connected"),
        (28, "a lock was not granted in time"),
        (29, "the dump could not be read to its end"),
        (30, "a statement failed, or the session broke off"),
        (31, "what was restored is not what was dumped"),
        (32, "the word to go on did not come"),
        (33, "it is not known whether the commit took place"),
        (34, "the dump is not there"),
    ],
};

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
    /// restore: the transaction holds what was dumped.
    Verified { tables: u64, rows: u64, sequences: u64 },
    /// restore: the server says so.
    Committed,
    /// restore: the planner's statistics are new; what failed of that is told, and does not matter for the commit.
    Analyzed {
        #[serde(default)]
        failed: Vec<String>,
    },
    /// Either: it ends now with this exit code, for this reason.
    Refused {
        code: i32,
        reason: String,
        #[serde(default)]
        items: Vec<String>,
    },
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

    const SCRIPTS: [&Script; 2] = [&DUMP, &RESTORE];

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
        let refused = Event::Refused { code: 27, reason: "others".into(), items: vec!["pid 1".into()] };
        assert_eq!(Event::parse(line), Some(refused));
        let waiting = r#"{"event":"waiting","for":"commit"}"#;
        assert_eq!(Event::parse(waiting), Some(Event::Waiting { r#for: Word::Commit }));
        assert_eq!(Event::parse(r#"{"event":"analyzed"}"#), Some(Event::Analyzed { failed: vec![] }));
        assert_eq!(Event::parse("WARNING:  01006: no privileges"), None);
        assert_eq!(Event::parse(r#"{"event":"unheard of"}"#), None);
    }
}
