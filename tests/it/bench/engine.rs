//! The scripts of the one engine by themselves: what a checkpoint, a reset, a diff and a refresh cost the database.
use super::ROUNDS;
use super::figures::{Figures, Target, heading, line};
use super::job::Job;
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX};
use std::process::{Command, Stdio};
use std::time::Instant;

const THREE_TABLES: &str =
    "UPDATE llx_facture SET label = label || '!' WHERE rowid % 7 = 0; DELETE FROM llx_facturedet WHERE rowid % 9 = 0;
    INSERT INTO llx_societe (label) SELECT 'new' FROM generate_series(1, 5)";
pub(super) const THREE_REAL_TABLES: &str =
    "UPDATE llx_actioncomm SET label = label || '!' WHERE id % 10 = 0; UPDATE llx_facture SET note_private = 'x'
    WHERE rowid % 10 = 0; INSERT INTO llx_societe (nom) SELECT 'new' FROM generate_series(1, 5)";

/// As the application does it.
pub(super) fn change(server: &PostgresServer, statements: &str) {
    server
        .sql_file(SANDBOX.database, &format!("SET ROLE erp_sandbox_role;\nSET search_path = public;\n{statements};\n"));
}

pub(super) fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

pub(super) fn measure() {
    let real = PostgresServer::real_dump();
    let changes = if real.is_some() { THREE_REAL_TABLES } else { THREE_TABLES };
    let server = PostgresServer::with(&real.unwrap_or(Production::Fixture), &[]);
    let [mut plain, mut taken, mut unchanged, mut changed, mut told, mut full] = [(); 6].map(|()| Figures::default());
    let mut job = Job::new(&server);
    for _ in 0..ROUNDS {
        plain.add(seconds(|| pg_dump(&server)));
        taken.add(seconds(|| drop(job.checkpoint().succeeded())));
        unchanged.add(seconds(|| drop(job.restore().succeeded())));
        change(&server, changes);
        told.add(seconds(|| drop(job.diff().succeeded())));
        changed.add(seconds(|| drop(job.restore().succeeded())));
        let mut whole = Job::new(&server);
        whole.checkpoint().succeeded();
        whole.set("FULL", "1");
        full.add(seconds(|| drop(whole.restore().succeeded())));
    }
    heading("Engine: the database's part alone");
    line("pg_dump -Fc", &plain, 2, "s", &Target::None);
    line("a checkpoint (target 1.2 × pg_dump)", &taken, 2, "s", &Target::AtMost(1.2 * plain.median()));
    line("a reset, nothing changed (target 0.4 s)", &unchanged, 2, "s", &Target::AtMost(0.4));
    line("a reset, 3 tables changed (target 0.6 s)", &changed, 2, "s", &Target::AtMost(0.6));
    line("a diff of these", &told, 2, "s", &Target::None);
    line("a reset that wipes and restores", &full, 2, "s", &Target::None);
    refreshes(&server);
}

/// The two scripts of a refresh, one after the other.
fn refreshes(server: &PostgresServer) {
    let [mut full, mut repeated] = [(); 2].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        let mut job = Job::new(server);
        job.set("FULL", "1");
        full.add(seconds(|| drop((job.dump().succeeded(), job.restore().succeeded()))));
        change(server, "UPDATE llx_const SET value = value || '!' WHERE rowid < 10");
        job.set("FULL", "");
        repeated.add(seconds(|| drop((job.dump().succeeded(), job.restore().succeeded()))));
        assert!(server.checksum(SANDBOX.database) == server.checksum(PRODUCTION.database), "another content");
    }
    line("a refresh's dump and restore, all of it", &full, 2, "s", &Target::None);
    line(
        "the same again, a few rows changed (target 0.4 × that)",
        &repeated,
        2,
        "s",
        &Target::AtMost(0.4 * full.median()),
    );
}

pub(super) fn pg_dump(server: &PostgresServer) {
    let mut pg_dump = Command::new("pg_dump");
    pg_dump.args(["-h", "127.0.0.1", "-U", "postgres", "-Fc", "--schema=public", "-p", &server.port().to_string()]);
    let status = pg_dump.args(["-d", SANDBOX.database]).stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.expect("pg_dump runs").success());
}
