//! checkpoint, reset and diff: warm, cold, and what a reset takes when it must wipe and restore.
use super::ROUNDS;
use super::figures::{Figures, Target, heading, line};
use crate::support::memory::peak;
use crate::support::postgres::{PRODUCTION, PostgresServer, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{SANDBOX, Sandbox, finish};
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Three tables that a rehearsal in an ERP touches, whatever the schema.
pub(super) const DIRTY: &str = "
    UPDATE llx_const SET value = value || '!' WHERE rowid % 20 = 0;
    INSERT INTO llx_const (name, value) SELECT 'REHEARSED_' || g, 'x' FROM generate_series(1, 20) g;
    UPDATE llx_user SET login = login || '!' WHERE rowid % 5 = 0;
    INSERT INTO llx_element_element (fk_source, sourcetype, fk_target, targettype) SELECT g, 'a', g, 'b' FROM generate_series(1, 50) g";
pub(super) const SAVING: &str = "Save the database and the documents";
const FILES: usize = 5;
const ALL_FILES: usize = 200;

pub(super) async fn measure() {
    let (production, name) = match PostgresServer::real_dump() {
        Some(dump) => (dump, "the real Dolibarr dump"),
        None => (Production::Fixture, "the project's own fixture"),
    };
    let lab = Sandbox::with(&production, &[]).await;
    populate(&lab, 30);
    heading(&format!("Rehearsal: {name}, {ALL_FILES} documents, {FILES} of them changed"));
    let restore = repeat_refresh(&lab).await;
    let dump = by_hand(&lab);
    let [mut cold, mut warm] = [(); 2].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        cold.add(timed(&lab, &["checkpoint"]).await.0);
    }
    timed(&lab, &["checkpoint", "--warm"]).await;
    let [mut first, mut next, mut anew] = [(); 3].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        timed(&lab, &["checkpoint", "delete", "golden"]).await;
        first.add(step(&timed(&lab, &["checkpoint"]).await.1, SAVING));
        change(&lab);
        let (seconds, report, _) = timed(&lab, &["checkpoint", "rehearsed"]).await;
        warm.add(seconds);
        next.add(step(&report, SAVING));
        timed(&lab, &["reset"]).await;
        timed(&lab, &["checkpoint", "delete", "rehearsed"]).await;
    }
    // None of the last day is linked: each checkpoint is sent all of them.
    populate(&lab, 0);
    for _ in 0..ROUNDS {
        anew.add(step(&timed(&lab, &["checkpoint"]).await.1, SAVING));
    }
    line("pg_dump -Fc by hand", &dump, 2, "s", &Target::None);
    let target = Target::AtMost(1.2 * dump.median());
    line("what the first checkpoint saves (target 1.2 × pg_dump)", &first, 2, "s", &target);
    line("  another, 3 tables and 5 files later", &next, 2, "s", &target);
    line("  another, all documents of today", &anew, 2, "s", &target);
    line("checkpoint, warm, 3 tables and 5 files later", &warm, 2, "s", &Target::None);
    line("checkpoint, cold", &cold, 2, "s", &Target::None);
    resets(&lab, &restore).await;
}

async fn resets(lab: &Sandbox, restore: &Figures) {
    let before = lab.postgres.checksum(ACCESS.database);
    let [mut nothing, mut dirty, mut full, mut step_full, mut cold, mut diff, mut memory] =
        [(); 7].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        nothing.add(timed(lab, &["reset"]).await.0);
        change(lab);
        diff.add(timed(lab, &["diff"]).await.0);
        let (seconds, _, resident) = timed(lab, &["reset"]).await;
        assert!(lab.postgres.checksum(ACCESS.database) == before, "reset: another content");
        dirty.add(seconds);
        memory.add(resident);
        lab.postgres.sql(ACCESS.database, "SET ROLE erp_sandbox_role; CREATE TABLE llx_rehearsed (rowid integer)");
        let (seconds, report, _) = timed(lab, &["reset"]).await;
        assert!(lab.postgres.checksum(ACCESS.database) == before, "reset, full: another content");
        full.add(seconds);
        step_full.add(step(&report, "Put the database back"));
    }
    timed(lab, &["checkpoint", "cool"]).await;
    for _ in 0..ROUNDS {
        change(lab);
        cold.add(timed(lab, &["reset"]).await.0);
    }
    line("reset, warm, nothing changed", &nothing, 2, "s", &Target::AtMost(0.6));
    line("reset, warm, 3 tables and 5 files", &dirty, 2, "s", &Target::AtMost(1.0));
    line("reset, cold, 3 tables and 5 files", &cold, 2, "s", &Target::AtMost(5.0));
    line("reset, warm, all wiped and restored", &full, 2, "s", &Target::None);
    line("  its database (target 1.1 × refresh's)", &step_full, 2, "s", &Target::AtMost(1.1 * restore.median()));
    line("diff, warm", &diff, 2, "s", &Target::None);
    line("reset's peak of resident memory", &memory, 1, "MiB", &Target::AtMost(40.0));
}

/// A refresh that finds little changed, beside one that wipes and restores. Gives the restore of the latter.
async fn repeat_refresh(lab: &Sandbox) -> Figures {
    let [mut full, mut repeat] = [(); 2].map(|()| Figures::default());
    for _ in 0..ROUNDS {
        full.add(restore(&timed(lab, &["refresh-from-prod", "--full"]).await.1));
        lab.postgres.sql(ACCESS.database, DIRTY);
        repeat.add(restore(&timed(lab, &["refresh-from-prod"]).await.1));
        let same = lab.postgres.checksum(ACCESS.database) == lab.postgres.checksum(PRODUCTION.database);
        assert!(same, "refresh-from-prod: another content");
    }
    line("refresh-from-prod --full, its check and restore", &full, 2, "s", &Target::None);
    let target = Target::AtMost(0.4 * full.median());
    line("refresh-from-prod, little changed (target 0.4 ×)", &repeat, 2, "s", &target);
    full
}

/// What a reset does in one step: it is asked whether this may be wiped, and wiped and filled.
pub(super) fn restore(report: &serde_json::Value) -> f64 {
    step(report, "Check the sandbox's database") + step(report, "Restore into the sandbox")
}

/// Seconds, the report, and the highest it had resident in MiB.
async fn timed(lab: &Sandbox, arguments: &[&str]) -> (f64, serde_json::Value, f64) {
    let started = Instant::now();
    let arguments = [&["--output", "json"], arguments].concat();
    let child = lab.command(&arguments).spawn().expect("the binary starts");
    let (highest, ran) = peak(child.id().expect("it runs"), finish(child)).await;
    (started.elapsed().as_secs_f64(), ran.assert_code(0).json(), highest)
}

pub(super) fn step(report: &serde_json::Value, title: &str) -> f64 {
    let steps = report["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == title).unwrap_or_else(|| panic!("{title}: {report}"));
    step["seconds"].as_f64().expect("a number")
}

/// With documents of so many days ago; most of an ERP's are old.
fn populate(lab: &Sandbox, days: u64) {
    let tree = lab.documents(SANDBOX).join("mycompany/facture");
    fs::create_dir_all(&tree).expect("a directory of the lab's own");
    let time = SystemTime::now() - Duration::from_secs(days * 86_400);
    for number in 0..ALL_FILES {
        let path = tree.join(format!("FA-{number:05}.pdf"));
        fs::write(&path, vec![b'x'; 50_000]).expect("a document");
        File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a time");
    }
}

fn change(lab: &Sandbox) {
    lab.postgres.sql(ACCESS.database, DIRTY);
    let tree = lab.documents(SANDBOX).join("mycompany/facture");
    for number in 0..FILES {
        fs::write(tree.join(format!("FA-{number:05}.pdf")), format!("rehearsed {number}")).expect("a document");
    }
}

fn by_hand(lab: &Sandbox) -> Figures {
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let status = Command::new("/usr/lib/postgresql/15/bin/pg_dump")
            .args(["-w", "-Fc", "-h", "127.0.0.1", "-p", &lab.postgres.port().to_string(), "--schema=public"])
            .args(["-U", ACCESS.user, ACCESS.database])
            .env("PGPASSWORD", ACCESS.password)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("pg_dump").success());
        figures.add(started.elapsed().as_secs_f64());
    }
    figures
}
