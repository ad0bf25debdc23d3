//! refresh-from-prod beside `pg_dump | psql` by hand, on the same server.
use super::ROUNDS;
use super::figures::{Figures, Target, heading, line};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
use crate::support::sandbox::Sandbox;
use std::process::{Command, Stdio};
use std::time::Instant;

/// As an operator types it: what lies there already (the schema, `user_lookup`) is an error on stderr that is passed over.
const BY_HAND: &str = r#"
    export PATH=/usr/lib/postgresql/15/bin:$PATH PGHOST=127.0.0.1
    PGPASSWORD=$SANDBOX_PASSWORD psql -Xqw -U "$SANDBOX_USER" -d "$SANDBOX" -c 'DROP OWNED BY erp_sandbox_role CASCADE' || exit
    PGPASSWORD=$PRODUCTION_PASSWORD pg_dump -w -U "$PRODUCTION_USER" --schema=public --no-owner --no-acl "$PRODUCTION" |
        PGPASSWORD=$SANDBOX_PASSWORD PGOPTIONS='-c role=erp_sandbox_role' psql -Xqw -U "$SANDBOX_USER" -d "$SANDBOX"
"#;

pub(super) async fn measure() {
    let (production, name) = match PostgresServer::real_dump() {
        Some(dump) => (dump, "the real Dolibarr dump"),
        None => (Production::Fixture, "the project's own fixture (../shared/data/dolibarr-erp.dump is not there)"),
    };
    let lab = Sandbox::with(&production, &[]).await;
    let expected = lab.postgres.checksum(PRODUCTION.database);
    let [mut hand, mut tool, mut downtime, mut repeated] = [(); 4].map(|()| Figures::default());
    let mut database = serde_json::Value::Null;
    for _ in 0..ROUNDS {
        hand.add(by_hand(&lab.postgres));
        assert!(lab.postgres.checksum(SANDBOX.database) == expected, "by hand: another content");
        let started = Instant::now();
        let ran = lab.run(&["--output", "json", "refresh-from-prod", "--full"]).await.assert_code(0);
        tool.add(started.elapsed().as_secs_f64());
        assert!(lab.postgres.checksum(SANDBOX.database) == expected, "refresh-from-prod: another content");
        let report = ran.json();
        downtime.add(report["downtime_seconds"].as_f64().expect("a number"));
        database = report["database"].clone();
        lab.postgres.sql(SANDBOX.database, "UPDATE llx_const SET value = value || '!' WHERE rowid < 10");
        let started = Instant::now();
        lab.run(&["refresh-from-prod"]).await.assert_code(0);
        repeated.add(started.elapsed().as_secs_f64());
        assert!(lab.postgres.checksum(SANDBOX.database) == expected, "repeated: another content");
    }
    heading(&format!("Database: {name}, {} tables, {} rows", database["tables"], database["rows"]));
    line("by hand: DROP OWNED, pg_dump | psql", &hand, 2, "s", &Target::None);
    line(
        "refresh-from-prod --full (target 1.25 × by hand + 2 s)",
        &tool,
        2,
        "s",
        &Target::AtMost(1.25 * hand.median() + 2.0),
    );
    line("  its downtime", &downtime, 2, "s", &Target::None);
    line("refresh-from-prod again, a few rows changed", &repeated, 2, "s", &Target::None);
}

/// Seconds.
fn by_hand(server: &PostgresServer) -> f64 {
    let started = Instant::now();
    let status = Command::new("sh")
        .args(["-c", BY_HAND])
        .env("PGPORT", server.port().to_string())
        .envs([("PRODUCTION", PRODUCTION.database), ("SANDBOX", SANDBOX.database)])
        .envs([("PRODUCTION_USER", PRODUCTION.user), ("SANDBOX_USER", SANDBOX.user)])
        .envs([("PRODUCTION_PASSWORD", PRODUCTION.password), ("SANDBOX_PASSWORD", SANDBOX.password)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("a shell").success(), "by hand: it failed");
    started.elapsed().as_secs_f64()
}
