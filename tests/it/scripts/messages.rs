//! What the server says of a statement that failed is told without the values of rows.
use super::run::{Ended, Job};
use crate::support::postgres::{PostgresServer, Production};

const VALUE: &str = "hunter2";

/// A restore whose last statement before the comparison is this one.
fn failing(server: &PostgresServer, statement: &str) -> Ended {
    let mut job = Job::new(server);
    job.set("MIN_TABLES", "0").dump().succeeded();
    job.set("VERIFY_SQL", &format!("SET search_path = public;\n{statement}\n"));
    job.restore()
}

#[test]
fn a_failed_statement_tells_table_constraint_and_line_and_no_value() {
    let server = PostgresServer::with(&Production::Small, &[]);
    for (statement, told) in [
        (
            "INSERT INTO llx_user (login, api_key) VALUES ('hunter2', 'x'), ('hunter2', 'y');",
            &["23505", "llx_user_login_key", "TABLE NAME:  llx_user"][..],
        ),
        ("COPY llx_user (rowid, login) FROM stdin;\n1000\tx\nhunter2\ty\n\\.", &["22P02", "COPY llx_user, line 2"]),
        ("COPY llx_user (rowid, login) FROM stdin;\n1001\tx\n1001\thunter2\n\\.", &["23505", "COPY llx_user, line 2"]),
        ("COPY llx_user (rowid, login) FROM stdin;\nhunter2\\nhunter2\ty\n\\.", &["22P02", "COPY llx_user, line 1"]),
        ("SELECT 'hunter2'::date;", &["22007", "invalid input syntax for type date"]),
        ("SELECT hunter2 hunter2 hunter2;", &["42601", "syntax error"]),
        (
            "DO $$ BEGIN RAISE 'hunter2' USING HINT = 'hunter2', DETAIL = 'hunter2'; END $$;",
            &["P0001", "line 1 at RAISE"],
        ),
        ("DO $$ BEGIN EXECUTE 'SELECT ''hunter2''::integer'; END $$;", &["22P02"]),
        (
            "UPDATE llx_user SET fk_user = 77777; SET CONSTRAINTS ALL IMMEDIATE; SELECT 1/0;",
            &["23503", "llx_user_fk_user"],
        ),
    ] {
        let ended = failing(&server, statement);
        let refused = ended.refused(30);
        assert!(told.iter().all(|words| refused.contains(words)), "{statement}: {refused}");
        assert!(!ended.output.contains(VALUE) && !ended.output.contains("77777"), "{statement}: {}", ended.output);
    }
}
