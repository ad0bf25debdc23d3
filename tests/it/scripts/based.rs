//! A checkpoint that has the dump of the one before it, and beside it only what has changed since.
use super::differences::{ODD, change, compared, dumped};
use super::run::{Job, Shell};
use super::stretches::LARGE;
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::golden::manifest::sha256;
use sandbox_lifecycle::jobs::{Event, Mode};
use std::fs;
use std::os::unix::fs::MetadataExt;

fn inode(job: &Job<'_>) -> u64 {
    fs::metadata(job.file("source.dump")).expect("a dump").ino()
}

/// The next checkpoint: whether it has the dump of the one before. If it has not, that one is as it was.
pub(super) fn is_based(job: &mut Job<'_>) -> bool {
    let (former, bytes) = (inode(job), fs::read(job.file("source.dump")).expect("a dump"));
    fs::hard_link(job.file("source.dump"), job.file("kept")).expect("a link");
    job.checkpoint().succeeded();
    assert_eq!(fs::read(job.file("kept")).expect("the former one"), bytes, "it was written into");
    fs::remove_file(job.file("kept")).expect("it was there");
    let based = inode(job) == former;
    for name in ["source.changed", "source.base"] {
        assert_eq!(job.file(name).exists(), based, "{name}");
    }
    for name in ["dump", "base", "sum", "manifest", "stamp"] {
        assert!(!job.file(&format!("former.{name}")).exists(), "{name}");
    }
    based
}

const CHANGES: &str = "
    UPDATE llx_user SET login = login || E'\\t\\\\x' WHERE rowid = 1; DELETE FROM odd_twins WHERE a = 2; UPDATE odd_made SET price = price + 1;
    UPDATE odd_stamped SET note = E'a\\n\\\\.\\nb'; SELECT nextval('odd_new'); INSERT INTO odd_parts VALUES (2, 2024); UPDATE odd_hen SET fk_egg = NULL WHERE rowid = 1;
    UPDATE large SET says = 'other' WHERE id IN (-129, -128, -1, 0, 127, 128); DELETE FROM large WHERE id = 20000;
    INSERT INTO large (id) VALUES (500000), (-500000); UPDATE large SET id = 30000 WHERE id = 10000; UPDATE wide SET says = '' WHERE key % 5000 = 0";
/// Of the same tables, and of others.
const MORE: &str = "
    UPDATE llx_user SET login = 'more' || rowid WHERE rowid IN (1, 2); INSERT INTO odd_twins VALUES (2, 'b'); UPDATE large SET says = NULL WHERE id IN (0, 5000);
    DELETE FROM large WHERE id IN (-1, 500000); UPDATE llx_facture SET label = 'x' WHERE rowid < 4; SELECT nextval('ticket_number')";

/// Both ways, and in between what differs is told.
fn assert_resets(job: &Job<'_>, what: &str) {
    let before = (job.server.checksum(SANDBOX.database), dumped(job.server, &SANDBOX));
    let reset = |mode| {
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, mode, "{what}: {ended:?}");
        assert!(dumped(job.server, &SANDBOX) == before.1, "{what} {mode:?}: another content");
        assert_eq!(job.server.checksum(SANDBOX.database), before.0, "{what} {mode:?}");
    };
    change(job.server, MORE);
    change(job.server, "UPDATE wide SET says = 'z' WHERE key % 2 = 0; DELETE FROM odd_stamped");
    assert!(job.diff().succeeded().events.iter().any(|event| matches!(event, Event::TableChanged { .. })));
    reset(Mode::Differences);
    change(job.server, "UPDATE large SET says = 'y' WHERE id % 128 = 1; UPDATE llx_user SET login = rowid::text");
    reset(Mode::Differences);
    change(job.server, "CREATE TABLE llx_made (rowid integer)");
    reset(Mode::Full);
}

/// Only the stretches of keys that are others, of a table that has them.
fn assert_narrow(job: &Job<'_>, what: &str) {
    let changed = fs::read_to_string(job.file("source.changed")).expect("a text");
    assert!(changed.lines().count() < 30_000, "{what}: {} lines", changed.lines().count());
    let replaced = changed.lines().take_while(|line| *line != "--");
    assert_eq!(replaced.filter(|line| line.contains(" of ")).count(), usize::from(what != "nothing"), "{what}");
}

#[test]
fn a_reset_to_what_has_changed_since_another_checkpoint_is_equal_to_the_byte() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, &format!("{ODD};{LARGE}"));
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        for (what, changes) in [("nothing", ""), ("much", CHANGES), ("more", MORE)] {
            change(&server, changes);
            // The second one goes by what the first one has of yet another.
            for _ in 0..2 {
                job.lend();
                assert!(is_based(&mut job), "{shell:?}: {what}");
            }
            assert_narrow(&job, what);
            assert_resets(&job, &format!("{shell:?}: {what}"));
            job.lend();
            assert!(!is_based(&mut job), "{shell:?}: none of the tables is the one that the dump has");
        }
    }
}

/// A text of many megabytes, which compression leaves little of.
const FAT: &str = "CREATE TABLE fat (id integer PRIMARY KEY, says text);
    INSERT INTO fat SELECT g, repeat('some words of it ', 10000) FROM generate_series(1, 120) g";
type Case = (&'static str, fn(&Job<'_>));
const CASES: [Case; 8] = [
    ("the dump", |job| edit(job, "former.dump", |bytes| bytes[1000] ^= 1)),
    ("a newer client's archive", |job| {
        edit(job, "former.dump", |bytes| bytes[6] = 99);
        let sum = sha256(&fs::read(job.file("former.dump")).expect("a dump"));
        edit(job, "former.sum", |bytes| *bytes = sum.into_bytes());
    }),
    ("its manifest's way", |job| {
        let base = fs::read_to_string(job.file("former.base")).expect("a manifest");
        edit(job, "former.base", |bytes| *bytes = base.replacen("\"format\" : 3", "\"format\" : 2", 1).into_bytes());
    }),
    ("a sum that was not written", |job| edit(job, "former.sum", Vec::clear)),
    ("the schema", |job| change(job.server, "ALTER TABLE odd_twins RENAME b TO c")),
    ("most rows", |job| change(job.server, "UPDATE large SET says = 'other'; UPDATE wide SET says = 'other'")),
    ("more than may be kept", |job| change(job.server, "UPDATE fat SET says = says || id")),
    ("a name with a line break", |job| change(job.server, "DELETE FROM \"odd \"\"it's\"\"\n\\.\" WHERE rowid = 1")),
];

/// Not the file that others have as well.
fn edit(job: &Job<'_>, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(job.file(name)).expect("a file");
    edit(&mut bytes);
    fs::remove_file(job.file(name)).and_then(|()| fs::write(job.file(name), bytes)).expect("written");
}

#[test]
fn what_is_damaged_or_another_than_it_was_is_dumped_as_a_whole() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, &format!("{ODD};{LARGE};{FAT}"));
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        for (what, damage) in CASES {
            job.lend();
            damage(&job);
            assert!(!is_based(&mut job), "{shell:?}: {what}");
            let before = dumped(&server, &SANDBOX);
            change(&server, "UPDATE llx_user SET login = rowid::text || random()");
            job.restore().succeeded();
            assert!(dumped(&server, &SANDBOX) == before, "{shell:?} {what}: another content");
        }
    }
}

/// The programs of busybox, and psql, do not say when a disk is full.
#[test]
fn what_has_changed_is_measured_and_no_set_where_it_was_cut() {
    let server = PostgresServer::with(&Production::Small, &[]);
    // At its end alone, all of it, and on its way already.
    for tee in [
        "\"$real\" \"$@\"; truncate -s -1 \"$1\"",
        "cat >/dev/null; : >\"$1\"",
        "head -c 300 | \"$real\" \"$@\"; cat >/dev/null",
    ] {
        let mut job = Job::new(&server);
        job.checkpoint().succeeded();
        job.lend();
        change(&server, "UPDATE llx_user SET login = login || '!'");
        job.stand_in("tee", tee);
        let refused = job.checkpoint().refused(13);
        assert!(refused.contains("source.changed could not be written to its end"), "{tee}: {refused}");
        assert!(!job.file("source.manifest").exists(), "{tee}");
    }
}
