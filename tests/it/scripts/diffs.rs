//! What a diff tells, and that it changes nothing.
use super::differences::{ODD, change, dumped};
use super::run::{Ended, Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Change, Event};
use serde_json::json;

fn table(name: &str, [added, changed, removed]: [u64; 3]) -> Event {
    Event::TableChanged { name: name.to_owned(), added, changed, removed }
}

fn row(ended: &Ended, of: &str, change: Change) -> [Option<serde_json::Value>; 3] {
    let found = ended.events.iter().find_map(|event| match event {
        Event::Row { table, change: is, key, old, new } if table == of && *is == change => {
            Some([key.clone(), old.clone(), new.clone()])
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no row {of} {change:?}: {ended:?}"))
}

#[test]
fn rows_sequences_and_schema_are_told_and_nothing_changes() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, ODD);
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        assert_eq!(job.diff().succeeded().events, [Event::Diffed { tables: 0, rows: 0, sequences: 0 }]);

        change(
            &server,
            r#"UPDATE llx_user SET login = 'it''s "new"' WHERE rowid = 1; DELETE FROM llx_user WHERE rowid = 40;
            INSERT INTO odd_twins VALUES (1, 'a'); UPDATE odd_made SET price = 9.5 WHERE rowid = 1;
            SELECT setval('odd_new', 7); COMMENT ON TABLE odd_hen IS 'new'; CREATE TABLE odd_extra AS SELECT 1 AS x;
            DELETE FROM "odd ""it's""
\." WHERE rowid = 1;"#,
        );
        let before = (server.checksum(SANDBOX.database), dumped(&server, &SANDBOX));
        let ended = job.set("ROWS", "1").diff().succeeded();
        assert_eq!((server.checksum(SANDBOX.database), dumped(&server, &SANDBOX)), before);

        for told in [
            table("llx_user", [0, 1, 1]),
            table("odd_twins", [1, 0, 0]),
            table("odd_made", [0, 1, 0]),
            table("odd_extra", [1, 0, 0]),
            table("odd \"it's\"\n\\.", [0, 0, 1]),
            Event::SchemaChanged {
                what: vec!["table odd_extra is new".to_owned(), "table odd_hen is another".to_owned()],
            },
            Event::SequenceChanged {
                name: "odd_new".to_owned(),
                was: Some(json!({"last_value": 1, "is_called": false})),
                is: Some(json!({"last_value": 7, "is_called": true})),
            },
        ] {
            assert!(ended.told(&told), "{told:?}: {ended:?}");
        }
        assert_eq!(ended.events.last(), Some(&Event::Diffed { tables: 5, rows: 6, sequences: 1 }));
        let [key, old, new] = row(&ended, "llx_user", Change::Changed);
        assert_eq!(key, Some(json!({"rowid": 1})));
        assert_eq!([&old.expect("old")["login"], &new.expect("new")["login"]], ["user1", "it's \"new\""]);
        let [key, old, new] = row(&ended, "llx_user", Change::Removed);
        assert_eq!((key, new), (Some(json!({"rowid": 40})), None));
        assert_eq!(old.expect("old")["login"], "user40");
        assert_eq!(row(&ended, "odd_twins", Change::Added), [None, None, Some(json!({"a": 1, "b": "a"}))]);
    }
}

#[test]
fn a_set_that_is_not_there_or_cannot_be_read_is_said() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    job.diff().refused(45);
    job.checkpoint().succeeded();
    change(&server, "UPDATE llx_user SET login = login || '!'");
    let dump = std::fs::read(job.file("source.dump")).expect("the dump");
    std::fs::write(job.file("source.dump"), &dump[..dump.len() / 3]).expect("a shorter one");
    job.diff().refused(43);
    std::fs::write(job.file("source.dump"), &dump).expect("as it was");
    server.sql(SANDBOX.database, "BEGIN; LOCK TABLE llx_user; PREPARE TRANSACTION 'the blocker'");
    job.diff().refused(42);
    server.sql(SANDBOX.database, "ROLLBACK PREPARED 'the blocker'");
    job.set("PGPASSWORD", "wrong");
    job.diff().refused(40);
}
