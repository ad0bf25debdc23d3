//! What a diff tells, and that it changes nothing.
use super::differences::{ODD, change, compared, dumped};
use super::run::{Ended, Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Change, Event, Mode};
use serde_json::json;

fn table(name: &str, [added, changed, removed]: [u64; 3]) -> Event {
    Event::TableChanged { name: name.to_owned(), added, changed, removed }
}

fn row(ended: &Ended, of: &str, change: Change) -> [Option<serde_json::Value>; 3] {
    let found = ended.events.iter().find_map(|event| match event {
        Event::Row { table, change: is, key, old, new } if table == of && *is == change => {
            let json = |text: &Option<String>| text.as_ref().map(|text| serde_json::from_str(text).expect("JSON"));
            Some([key, old, new].map(json))
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

/// Columns as the tool calls its own, and one whose text has several lines.
#[test]
fn rows_are_told_and_put_back_whatever_their_columns_are_called_and_hold() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(
            &server,
            "CREATE TABLE odd_names (gone integer PRIMARY KEY, come json, sl_n text, place text, print text, turn text);
            INSERT INTO odd_names VALUES (1, E'{\"a\":\n [1,\r\n2]}'), (2, '{}')",
        );
        let before = server.checksum(SANDBOX.database);
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        change(&server, "UPDATE odd_names SET place = 'x' WHERE gone = 1; DELETE FROM odd_names WHERE gone = 2");
        let ended = job.set("ROWS", "1").diff().succeeded();
        assert!(ended.told(&table("odd_names", [0, 1, 1])), "{ended:?}");
        let [key, old, new] = row(&ended, "odd_names", Change::Changed);
        assert_eq!(key, Some(json!({"gone": 1})));
        let (old, new) = (old.expect("old"), new.expect("new"));
        assert_eq!([&old["come"], &new["come"]], [&json!({"a": [1, 2]}); 2]);
        assert_eq!([&old["place"], &new["place"]], [&json!(null), &json!("x")]);
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Differences, "{ended:?}");
        assert_eq!(server.checksum(SANDBOX.database), before);
    }
}

#[test]
fn a_role_may_have_any_name() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql("postgres", r#"ALTER ROLE erp_sandbox_role RENAME TO "Erp.Sandbox 'role""""#);
    let mut job = Job::new(&server);
    job.set("SANDBOX_ROLE", "Erp.Sandbox 'role\"");
    job.checkpoint().succeeded();
    let before = server.checksum(SANDBOX.database);
    server.sql(SANDBOX.database, "UPDATE public.llx_user SET login = login || '!'");
    assert!(matches!(job.diff().succeeded().events.last(), Some(Event::Diffed { tables: 1, .. })));
    let ended = job.restore().succeeded();
    assert_eq!(compared(&ended).0, Mode::Differences, "{ended:?}");
    assert_eq!(server.checksum(SANDBOX.database), before);
}
