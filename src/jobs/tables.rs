//! The scripts' tables: what each of them needs, and what its exit codes mean.
use super::Script;

/// What every script of a database needs.
macro_rules! environment {
    ($($name:literal),*) => {
        &[
            "PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGAPPNAME", "PGCONNECT_TIMEOUT", "CREDENTIALS_DIR", "TMPDIR",
            "SET_DIR", "SKIP_FUNCTIONS", $($name),*
        ]
    };
}

/// The texts that all of them need, and these.
macro_rules! files {
    ($($name:literal: $file:literal),* $(,)?) => {
        &[
            ("IDENTITY_SQL", include_str!("identity.sql")),
            ("PINNED_SQL", include_str!("pinned.sql")),
            ("SCHEMA_SQL", include_str!("schema.sql")),
            ("PRINTS_SQL", include_str!("prints.sql")),
            ("POSITIONS_SQL", include_str!("positions.sql")),
            ("MESSAGES_AWK", include_str!("messages.awk")),
            $(($name, include_str!($file))),*
        ]
    };
}

/// Reads a database into a set: production in the init container of a refresh, the sandbox for a checkpoint.
pub const DUMP: Script = Script {
    name: "dump",
    text: concat!(include_str!("prelude.sh"), include_str!("dump.sh")),
    env: environment!("READS", "TABLE_PREFIX", "MIN_TABLES", "ROOM_SH", "STAMP", "PRODUCTION"),
    files: files! {
        "DUMP_SQL": "dump.sql",
        "SNAPSHOT_SQL": "snapshot.sql",
        "WRITABLE_SQL": "writable.sql",
        "STRANGER_SQL": "stranger.sql",
        "SOURCE_SQL": "source.sql",
        "STAMP_SQL": "stamp.sql",
        "FORMER_SQL": "former.sql",
        "CLAIMED_SQL": "claimed.sql",
        "STAMPED_SQL": "stamped.sql",
        "BASED_SQL": "based.sql",
        "CHANGED_SQL": "changed.sql",
        "COUNT_SQL": "count.sql",
        "DUMP_AWK": "dump.awk",
    },
    exit_codes: &[
        (10, "the database cannot be reached"),
        (11, "the database would accept writes from this session"),
        (12, "the client is older than the server"),
        (13, "the database could not be counted"),
        (14, "pg_dump failed"),
        (15, "the dump does not hold exactly what was counted"),
        (16, "the database has fewer tables than it must"),
        (17, "the login could write, and must not be able to"),
        (18, "no room was made for it"),
        (19, "this is not the sandbox's database"),
    ],
};

/// Brings the sandbox to a set in one transaction, when it is let go.
pub const RESTORE: Script = Script {
    name: "restore",
    text: concat!(
        include_str!("prelude.sh"),
        include_str!("archive.sh"),
        include_str!("words.sh"),
        include_str!("compare.sh"),
        include_str!("restore.sh")
    ),
    env: environment!(
        "SANDBOX_ROLE",
        "SOURCE_DATABASE",
        "LOCK_TIMEOUT",
        "SESSION_GRACE_SECONDS",
        "SOURCE",
        "FULL",
        "ONLINE",
        "WORDS",
        "SET_SHA256",
        "STAMP",
        "PRODUCTION"
    ),
    files: files! {
        "TARGET_SQL": "target.sql",
        "CHECKS_SQL": "checks.sql",
        "ANEW_SQL": "anew.sql",
        "BUDGET_SQL": "budget.sql",
        "SESSIONS_SQL": "sessions.sql",
        "BEGIN_SQL": "begin.sql",
        "COMPARE_SQL": "compare.sql",
        "SHARES_SQL": "shares.sql",
        "BESIDE_SQL": "beside.sql",
        "GATHERED_SQL": "gathered.sql",
        "STAMP_SQL": "stamp.sql",
        "CLAIMED_SQL": "claimed.sql",
        "STAMPED_SQL": "stamped.sql",
        "FORESEEN_SQL": "foreseen.sql",
        "JOINED_SQL": "joined.sql",
        "COMPARED_SQL": "compared.sql",
        "NARROW_SQL": "narrow.sql",
        "TEMPORARY_SQL": "temporary.sql",
        "MOVES_SQL": "moves.sql",
        "PUT_BACK_SQL": "put_back.sql",
        "GRANTS_SQL": "grants.sql",
        "TAKEN_SQL": "taken.sql",
        "WIPE_SQL": "wipe.sql",
        "REGRANT_SQL": "regrant.sql",
        "SEQUENCES_SQL": "sequences.sql",
        "VERIFY_SQL": "verify.sql",
        "AFTER_SQL": "after.sql",
        "READY_SQL": "ready.sql",
        "COMMIT_SQL": "commit.sql",
        "BLOCKERS_SQL": "blockers.sql",
        "FATE_SQL": "fate.sql",
        "ANALYZE_SQL": "analyze.sql",
        "TOC_AWK": "toc.awk",
        "ROWS_AWK": "rows.awk",
    },
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
        (35, "the set is damaged"),
        (36, "the statements to be run after the restore failed"),
    ],
};

/// Tells what differs between the sandbox and a set.
pub const DIFF: Script = Script {
    name: "diff",
    text: concat!(include_str!("prelude.sh"), include_str!("archive.sh"), include_str!("diff.sh")),
    env: environment!("SANDBOX_ROLE", "LOCK_TIMEOUT", "ROWS", "PRODUCTION"),
    files: files! {
        "STRANGER_SQL": "stranger.sql",
        "LOOK_SQL": "look.sql",
        "DIFFERING_SQL": "differing.sql",
        "NARROW_SQL": "narrow.sql",
        "TEMPORARY_SQL": "temporary.sql",
        "MOVES_SQL": "moves.sql",
        "DIFFERENCES_SQL": "differences.sql",
        "ROWS_AWK": "rows.awk",
    },
    exit_codes: &[
        (40, "the sandbox's database cannot be reached"),
        (41, "the login may not do what comparing takes"),
        (42, "a lock was not granted in time"),
        (43, "the dump could not be read to its end"),
        (44, "a statement failed, or the session broke off"),
        (45, "the set is not there"),
        (46, "this is not the sandbox's database"),
    ],
};

/// Looks into production for `doctor --deep`.
pub const EXAMINE_SOURCE: Script = Script {
    name: "source",
    text: concat!(include_str!("prelude.sh"), include_str!("examine.sh"), include_str!("examine-source.sh")),
    env: environment!("READS", "TABLE_PREFIX", "MIN_TABLES"),
    files: files! {
        "FACTS_SQL": "facts.sql",
        "SOURCE_SQL": "source.sql",
        "WRITABLE_SQL": "writable.sql",
        "DUMP_SQL": "dump.sql",
        "SNAPSHOT_SQL": "snapshot.sql",
    },
    exit_codes: &[(0, "all has been told")],
};

/// Looks into the sandbox's database for it.
pub const EXAMINE_TARGET: Script = Script {
    name: "target",
    text: concat!(include_str!("prelude.sh"), include_str!("examine.sh"), include_str!("examine-target.sh")),
    env: environment!("SANDBOX_ROLE", "SOURCE_DATABASE", "SOURCE", "HELD_SECONDS"),
    files: files! {
        "FACTS_SQL": "facts.sql",
        "CHECKS_SQL": "checks.sql",
        "BUDGET_SQL": "budget.sql",
        "BLOCKERS_SQL": "blockers.sql",
    },
    exit_codes: &[(0, "all has been told")],
};
