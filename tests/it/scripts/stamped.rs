//! The schema is read once and stamped: no change of it may leave the stamp as it was, and what is none should.
use super::differences::{ODD, change, compared, dumped};
use super::run::Job;
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Mode, RESTORE};
use std::fs;
use std::process::Stdio;

/// How the statement begins that reads the schema, in the server's log.
pub(super) const READ: &str = "WITH part AS MATERIALIZED";

/// What the statements below change.
const THINGS: &str = "CREATE TABLE thing (rowid integer PRIMARY KEY, price numeric DEFAULT 1, note text CONSTRAINT short CHECK (length(note) < 9));
    CREATE INDEX thing_note ON thing (lower(note)); CREATE TABLE thing_heir (rowid integer NOT NULL, price numeric, note text CONSTRAINT short CHECK (length(note) < 9));
    CREATE TRIGGER stamp BEFORE UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms();
    CREATE VIEW thing_view AS SELECT rowid, note FROM thing; CREATE MATERIALIZED VIEW thing_seen AS SELECT rowid, note FROM thing;
    CREATE RULE thing_rule AS ON DELETE TO thing_heir DO INSTEAD NOTHING; CREATE STATISTICS thing_both ON rowid, price FROM thing;
    CREATE TYPE thing_state AS ENUM ('new', 'old'); CREATE DOMAIN thing_count AS integer; CREATE TYPE thing_pair AS (a integer, b text);
    CREATE TYPE thing_span AS RANGE (subtype = numeric); CREATE SEQUENCE thing_number; CREATE SCHEMA other;
    CREATE TABLE thing_parts (rowid integer) PARTITION BY RANGE (rowid);
    CREATE TABLE thing_part PARTITION OF thing_parts FOR VALUES FROM (1) TO (9);
    CREATE FUNCTION other.answer() RETURNS integer LANGUAGE sql AS 'SELECT 42'; CREATE VIEW thing_answer AS SELECT other.answer() AS answer;
    CREATE FUNCTION thing_twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * 2'; COMMENT ON TABLE thing IS 'of the test'";

const CHANGES: &[&str] = &[
    "ALTER TABLE thing ADD more integer",
    "ALTER TABLE thing DROP note CASCADE",
    "ALTER TABLE thing RENAME note TO remark",
    "ALTER TABLE thing RENAME TO something",
    "ALTER TABLE thing_heir ALTER note TYPE varchar(30)",
    "ALTER TABLE thing ALTER price SET DEFAULT 2",
    "ALTER TABLE thing ALTER price DROP DEFAULT",
    "ALTER TABLE thing ALTER price SET NOT NULL",
    "ALTER TABLE thing ALTER price SET STATISTICS 7",
    "ALTER TABLE thing ALTER note SET STORAGE EXTERNAL",
    "ALTER TABLE thing ALTER note SET COMPRESSION pglz",
    "ALTER TABLE thing ALTER price SET (n_distinct = 3)",
    "ALTER TABLE thing ALTER rowid ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE thing SET (fillfactor = 50)",
    "ALTER TABLE thing SET (toast.autovacuum_enabled = false)",
    "ALTER TABLE thing_heir SET UNLOGGED",
    "ALTER TABLE thing REPLICA IDENTITY FULL",
    "ALTER TABLE thing REPLICA IDENTITY USING INDEX thing_pkey",
    "ALTER TABLE thing CLUSTER ON thing_pkey",
    "ALTER TABLE thing ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE thing FORCE ROW LEVEL SECURITY",
    "ALTER TABLE thing_heir INHERIT thing",
    "ALTER TABLE thing_parts DETACH PARTITION thing_part",
    "ALTER TABLE thing OF thing_typed",
    "ALTER TABLE thing ADD CHECK (price > 0)",
    "ALTER TABLE thing ADD CHECK (price > 0) NOT VALID",
    "ALTER TABLE thing_heir ADD CONSTRAINT heirs FOREIGN KEY (rowid) REFERENCES thing",
    "ALTER TABLE thing DROP CONSTRAINT short",
    "ALTER TABLE thing RENAME CONSTRAINT short TO brief",
    "CREATE INDEX ON thing (price)",
    "DROP INDEX thing_note",
    "ALTER INDEX thing_note RENAME TO thing_remark",
    "ALTER INDEX thing_note SET (fillfactor = 50)",
    "ALTER INDEX thing_note ALTER COLUMN 1 SET STATISTICS 7",
    "CREATE OR REPLACE FUNCTION thing_twice(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a * 3'",
    "ALTER FUNCTION thing_twice SET work_mem = '1MB'",
    "ALTER FUNCTION thing_twice STRICT",
    "ALTER FUNCTION thing_twice RENAME TO thing_thrice",
    "CREATE TRIGGER other BEFORE INSERT ON thing FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms()",
    "ALTER TABLE thing DISABLE TRIGGER stamp",
    "ALTER TABLE thing ENABLE ALWAYS TRIGGER stamp",
    "ALTER TRIGGER stamp ON thing RENAME TO other",
    "DROP TRIGGER stamp ON thing",
    "CREATE OR REPLACE VIEW thing_view AS SELECT rowid, note FROM thing WHERE rowid > 1",
    "ALTER VIEW thing_view SET (security_barrier = true)",
    "ALTER VIEW thing_view RENAME note TO remark",
    "REFRESH MATERIALIZED VIEW thing_seen WITH NO DATA",
    "DROP RULE thing_rule ON thing_heir",
    "ALTER TABLE thing_heir DISABLE RULE thing_rule",
    "CREATE OR REPLACE RULE thing_rule AS ON DELETE TO thing_heir DO ALSO NOTHING",
    "CREATE STATISTICS thing_more ON price, note FROM thing",
    "ALTER STATISTICS thing_both SET STATISTICS 7",
    "CREATE TYPE thing_mood AS ENUM ('good')",
    "ALTER TYPE thing_state ADD VALUE 'lost'",
    "ALTER TYPE thing_state RENAME VALUE 'old' TO 'ancient'",
    "ALTER DOMAIN thing_count SET DEFAULT 1",
    "ALTER DOMAIN thing_count SET NOT NULL",
    "ALTER DOMAIN thing_count ADD CHECK (VALUE > 0)",
    "ALTER TYPE thing_pair ADD ATTRIBUTE c integer",
    "ALTER TYPE thing_span RENAME TO thing_stretch",
    "CREATE TYPE thing_days AS RANGE (subtype = date)",
    "COMMENT ON TABLE thing IS NULL",
    "COMMENT ON TABLE thing IS 'another'",
    "COMMENT ON COLUMN thing.note IS 'new'",
    "COMMENT ON INDEX thing_note IS 'new'",
    "COMMENT ON FUNCTION thing_twice IS 'new'",
    "COMMENT ON TYPE thing_pair IS 'new'",
    "COMMENT ON CONSTRAINT short ON thing IS 'new'",
    "COMMENT ON TRIGGER stamp ON thing IS 'new'",
    "CREATE SEQUENCE thing_other",
    "ALTER SEQUENCE thing_number INCREMENT 2",
    "ALTER SEQUENCE thing_number MAXVALUE 99 CYCLE",
    "ALTER SEQUENCE thing_number AS integer",
    "ALTER SEQUENCE thing_number START 5",
    "ALTER SEQUENCE thing_number OWNED BY thing.rowid",
    "ALTER SEQUENCE thing_number RENAME TO thing_count_of",
    "ALTER SCHEMA other RENAME TO another",
    "ALTER FUNCTION other.answer RENAME TO reply",
    "ALTER FUNCTION other.answer SET SCHEMA public",
    "CREATE POLICY mine ON thing USING (rowid > 1)",
    "ALTER EXTENSION plpgsql ADD TABLE thing",
    "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
    "CREATE OPERATOR ### (FUNCTION = int4pl, LEFTARG = integer, RIGHTARG = integer)",
    "CREATE COLLATION plain FROM \"C\"",
    "CREATE CONVERSION odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "CREATE OPERATOR FAMILY odd USING btree",
    "CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple)",
    "CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple)",
];

/// A reset does some of them itself, the application others: then the schema need not be read again.
const NO_CHANGES: &[&str] = &[
    "INSERT INTO thing VALUES (5, 5, 'five'); UPDATE llx_user SET login = login || '!'; ANALYZE thing",
    "SELECT nextval('thing_number'), setval('thing_number', 90)",
    "ALTER SEQUENCE thing_number RESTART WITH 5",
    "TRUNCATE thing",
    "REFRESH MATERIALIZED VIEW thing_seen",
    "REINDEX TABLE thing",
    "ALTER TABLE thing DISABLE TRIGGER stamp; ALTER TABLE thing ENABLE TRIGGER stamp",
    "CREATE TEMPORARY TABLE mine (rowid serial PRIMARY KEY, note text DEFAULT 'a' CHECK (length(note) < 9), UNIQUE (note))",
    "GRANT SELECT ON thing TO PUBLIC",
];

/// The stamp and the fingerprint of the schema: first as it is, then after each of the statements alone.
fn stamps(server: &PostgresServer, statements: &[&str]) -> Vec<(String, String)> {
    let text = |name: &str| {
        let found = RESTORE.files.iter().find(|(file, _)| *file == name);
        found.expect("the restore has this text").1
    };
    // Of the same schema in any case, so that the stamp says what it is made of beside that.
    let told = format!(
        "{}\n\\set sl_schema same\n{}\n{}\n\\echo told :sl_stamp :sl_schema\n",
        text("STAMP_SQL"),
        text("STAMPED_SQL"),
        text("SCHEMA_SQL")
    );
    let mut script = format!("{}\n{}\n\\set sl_stamped ''\n", text("IDENTITY_SQL"), text("PINNED_SQL"));
    script += &told;
    for statement in statements {
        script +=
            &format!("BEGIN; SET search_path = public; {statement};\nSET search_path = pg_catalog;\n{told}ROLLBACK;\n");
    }
    let work = tempfile::tempdir().expect("a directory");
    let file = work.path().join("script");
    fs::write(&file, script).expect("the script");
    let mut psql = server.psql(SANDBOX.database);
    psql.args(["-v", "sl_skip=", "-v", "sl_production=", "-f"]).arg(&file).current_dir(work.path());
    let output = psql.stdin(Stdio::null()).output().expect("psql runs");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let told = told.lines().filter_map(|line| line.strip_prefix("told "));
    let told: Vec<_> = told.map(|line| line.split_once(' ').expect("two words")).collect();
    assert_eq!(told.len(), statements.len() + 1, "{}", String::from_utf8_lossy(&output.stderr));
    told.into_iter().map(|(stamp, schema)| (stamp.to_owned(), schema.to_owned())).collect()
}

#[test]
fn no_change_of_the_schema_leaves_the_stamp_as_it_was() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql_file(
        SANDBOX.database,
        &format!("CREATE TYPE thing_typed AS (rowid integer, price numeric, note text); {THINGS}"),
    );
    let told = stamps(&server, CHANGES);
    let (stamp, schema) = &told[0];
    assert_eq!((stamp.len(), schema.len()), (32, 32));
    for (statement, (stamped, read)) in CHANGES.iter().zip(&told[1..]) {
        assert_ne!(read, schema, "{statement}: it should change the schema");
        assert_ne!(stamped, stamp, "{statement}");
        assert_eq!(stamped.is_empty(), statement.contains("POLICY"), "{statement}");
    }
}

#[test]
fn what_changes_with_the_rows_leaves_the_stamp_as_it_was() {
    let server = PostgresServer::with(&Production::Small, &[]);
    server.sql_file(SANDBOX.database, THINGS);
    let told = stamps(&server, NO_CHANGES);
    for (statement, found) in NO_CHANGES.iter().zip(&told[1..]) {
        assert_eq!(found, &told[0], "{statement}");
    }
}

#[test]
fn a_stamped_schema_is_not_read_again_until_it_changes_or_the_server_starts_anew() {
    let mut server = PostgresServer::with(&Production::Small, &[]);
    change(&server, ODD);
    let work = {
        let mut job = Job::new(&server);
        job.checkpoint().succeeded();
        let before = dumped(&server, &SANDBOX);
        let mut place = 0;
        for (statements, mode, readings) in [
            ("", Mode::Differences, 0),
            ("UPDATE odd_stamped SET note = 'z'; SELECT nextval('odd_new'); TRUNCATE odd_twins", Mode::Differences, 0),
            ("", Mode::Differences, 0),
            ("ALTER TABLE odd_twins RENAME b TO c", Mode::Full, 2),
            ("", Mode::Differences, 0),
        ] {
            change(&server, statements);
            server.statements_from(&mut place);
            let ended = job.restore().succeeded();
            assert_eq!(compared(&ended).0, mode, "{statements}: {ended:?}");
            assert_eq!(server.statements_from(&mut place).matches(READ).count(), readings, "{statements}");
            assert_eq!(dumped(&server, &SANDBOX), before, "{statements}");
        }
        job.work
    };
    server.restart(&[]);
    let mut job = Job::new(&server);
    job.goes_on_in(work);
    let mut place = 0;
    for readings in [1, 0] {
        server.statements_from(&mut place);
        job.restore().succeeded();
        assert_eq!(server.statements_from(&mut place).matches(READ).count(), readings);
    }
}

#[test]
fn a_stamp_that_is_damaged_or_cannot_be_kept_is_none() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let mut job = Job::new(&server);
    job.checkpoint().succeeded();
    job.restore().succeeded();
    let stamp = fs::read_to_string(job.file("stamp")).expect("a stamp");
    for damaged in [&b""[..], b"\\quit\n", b"'; SELECT 1/0;\n", b"\0\n", b"\xe1a0b\n"] {
        fs::write(job.file("stamp"), damaged).expect("it can be written");
        job.restore().succeeded();
        assert_eq!(fs::read_to_string(job.file("stamp")).expect("a stamp"), stamp);
    }
    fs::remove_file(job.file("stamp")).expect("it is there");
    fs::create_dir_all(job.file("stamp").join("in the way")).expect("a directory");
    fs::create_dir_all(job.file("stamp.part")).expect("a directory");
    job.restore().succeeded();
}
