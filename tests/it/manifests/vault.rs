//! The dump role's statements, by the user that Vault would be: it dumps, it cannot write, it is renewed and revoked.

use super::server;
use crate::support::postgres::{Access, PRODUCTION, PostgresServer};
use sandbox_lifecycle::cli::Options;
use sandbox_lifecycle::manifests::vault::{CREATION, ONCE, RENEW, REVOCATION, filled};
use sandbox_lifecycle::settings::Settings;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

const LOGIN: Access = Access { database: "erp", user: "v-kubernetes-erp-dump-x1", password: "vault's own" };
/// Vault's connection: no superuser.
const VAULT: Access = Access { database: "erp", user: "vault", password: "v" };

/// As Vault fills the statements in.
fn run(server: &PostgresServer, statements: &[&str], expiration: &str) {
    let settings = Settings::load(Options::default(), None).expect("the defaults are right");
    let text: String =
        statements.iter().map(|statement| format!("{};\n", filled(statement, &settings, "erp-dump"))).collect();
    let text = text.replace("{{name}}", LOGIN.user).replace("{{expiration}}", expiration);
    let text = text.replace("{{password}}", &LOGIN.password.replace('\'', "''"));
    let ran = server.psql_as(&VAULT).args(["-1", "-c", &text]).output().expect("psql runs");
    assert!(ran.status.success(), "{text}\n{ran:?}");
}

fn as_login(server: &PostgresServer, sql: &str) -> Result<String, String> {
    let ran = server.psql_as(&LOGIN).args(["-c", sql]).output().expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if ran.status.success() { Ok(text(&ran.stdout)) } else { Err(text(&ran.stderr)) }
}

fn prepared() -> PostgresServer {
    let server = server();
    let settings = Settings::load(Options::default(), None).expect("the defaults are right");
    server.sql("erp", &filled(ONCE, &settings, "erp-dump"));
    server.sql(
        "erp",
        "CREATE ROLE vault LOGIN PASSWORD 'v' CREATEROLE; GRANT pg_signal_backend TO vault; GRANT CONNECT ON DATABASE erp TO vault; \
         GRANT erp_dump TO vault WITH ADMIN OPTION",
    );
    run(&server, &CREATION, "2099-01-01 00:00:00+0000");
    server
}

#[test]
fn the_login_dumps_all_and_can_write_nothing() {
    let server = prepared();
    let dump = std::process::Command::new("pg_dump")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &server.port().to_string(),
            "-U",
            LOGIN.user,
            "-n",
            "public",
            "--no-owner",
            "erp",
        ])
        .env("PGPASSWORD", LOGIN.password)
        .output()
        .expect("pg_dump runs");
    assert!(dump.status.success(), "{dump:?}");
    assert!(String::from_utf8_lossy(&dump.stdout).contains("CREATE TABLE public.llx_"));
    let table = server
        .sql("erp", "SELECT min(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
    for wish in [
        format!("DELETE FROM {table}"),
        format!("TRUNCATE {table}"),
        format!("SELECT * FROM {table} FOR UPDATE"),
        "CREATE TABLE public.mine ()".to_owned(),
        "CREATE SCHEMA mine".to_owned(),
        "CREATE ROLE another".to_owned(),
    ] {
        // The setting is the first wall; a session may put it aside, and then the rights are the second.
        for text in [wish.clone(), format!("SET default_transaction_read_only = off; {wish}")] {
            let error = as_login(&server, &text).expect_err(&text);
            assert!(error.contains("read-only transaction") || error.contains("permission denied"), "{text}: {error}");
        }
    }
}

#[test]
fn a_renewed_login_lives_on() {
    let server = prepared();
    run(&server, &RENEW, "2001-01-01 00:00:00+0000");
    let until = format!("SELECT rolvaliduntil FROM pg_roles WHERE rolname = '{}'", LOGIN.user);
    assert!(server.sql("erp", &until).starts_with("2001-"), "the lease's end is the login's");
    run(&server, &RENEW, "2098-01-01 00:00:00+0000");
    assert!(server.sql("erp", &until).starts_with("2098-"));
    assert_eq!(as_login(&server, "SELECT 1"), Ok("1".to_owned()));
}

#[test]
fn a_revoked_login_is_gone_with_its_open_sessions_and_again_is_no_error() {
    let server = prepared();
    let mut session = server.psql_as(&LOGIN);
    let mut session =
        session.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql runs");
    let mut words = session.stdin.take().expect("its stdin");
    writeln!(words, "BEGIN; SELECT count(*) FROM pg_class;").expect("it reads");
    let mut lines = BufReader::new(session.stdout.take().expect("its stdout")).lines();
    assert!(lines.next().is_some(), "it is connected and has read something");
    run(&server, &REVOCATION, "");
    assert_eq!(server.sql("erp", &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", LOGIN.user)), "0");
    drop(words.write_all(b"SELECT 1;\n"));
    drop(words);
    assert!(!session.wait().expect("it ends").success(), "its session was ended");
    run(&server, &REVOCATION, "");
    let again = as_login(&server, "SELECT 1").expect_err("it is gone");
    assert!(!again.contains(PRODUCTION.password));
}
