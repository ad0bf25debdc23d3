//! `tests/bench --cluster`: the tool beside the shell script that does the same work, on a real Kubernetes.
use super::figures::{Figures, Target, heading, line};
use super::rehearsal::{DIRTY, SAVING, restore, step};
use crate::real::downtime::Downtime;
use crate::real::sandbox::RealSandbox;
use crate::support::postgres::{PostgresServer, Production, SANDBOX as ACCESS};
use crate::support::sandbox::SANDBOX;
use crate::support::scene::Scene;
use sandbox_lifecycle::cluster::golden;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The shell way; its head says what it reads from the environment.
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/peer/sandbox-lifecycle.sh");
const ROUNDS: usize = 3;
/// Documents beside the database, as a sandbox that is refreshed every night has: nearly all are there already.
const FEW: u32 = 5;
const MANY: u32 = 1000;

/// Nanoseconds that pg_dump takes where a checkpoint's runs.
const DUMP_BY_HAND: &str = "PGUSER=$(cat $CREDENTIALS_DIR/username) PGPASSWORD=$(cat $CREDENTIALS_DIR/password)
    export PGUSER PGPASSWORD; begun=$(date +%s%N)
    pg_dump -w -Fc --schema=public >/dev/null && echo $(($(date +%s%N) - begun))";

/// The exit code; panics when a run fails. The words may name the part that is wanted.
pub(crate) async fn cluster(words: &[&str]) -> u8 {
    if std::env::var_os("E2E_KUBECONFIG").is_none() {
        println!("tests/bench --cluster needs E2E_KUBECONFIG, the kubeconfig of a cluster that may be used up.");
        return 2;
    }
    if !Path::new(PEER).exists() {
        println!("The shell script to be measured beside, {PEER}, is not there: nothing to compare with.");
        return 0;
    }
    let (production, name) = match PostgresServer::real_dump() {
        Some(dump) => (dump, "the real Dolibarr dump"),
        None => (Production::Fixture, "the project's own fixture"),
    };
    let sandbox = RealSandbox::with(&production).await;
    let wanted = |part| words == ["--cluster"] || words.contains(&part);
    if wanted("refresh") {
        refresh(&sandbox, name).await;
    }
    if wanted("rehearsal") {
        rehearsal(&sandbox, name).await;
    }
    if wanted("documents") {
        documents(&sandbox).await;
    }
    0
}

async fn refresh(sandbox: &RealSandbox, name: &str) {
    let [mut shell, mut tool, mut shell_down, mut tool_down] = [(); 4].map(|()| Figures::default());
    sandbox.populate(FEW);
    for _ in 0..ROUNDS {
        let downtime = Downtime::watch(&sandbox.kubectl).await;
        let started = Instant::now();
        assert!(peer(sandbox, "refresh").status().expect("bash runs").success(), "the shell way failed");
        shell.add(started.elapsed().as_secs_f64());
        shell_down.add(downtime.seconds().await);

        let downtime = Downtime::watch(&sandbox.kubectl).await;
        let started = Instant::now();
        sandbox.run(&["refresh"]).await.assert_code(0);
        tool.add(started.elapsed().as_secs_f64());
        tool_down.add(downtime.seconds().await);
        let [production, refreshed] = sandbox.postgres.checksums();
        assert!(refreshed == production, "refresh: another content");
    }
    heading(&format!("Refresh: {name}, {FEW} MB of documents"));
    line("the shell way", &shell, 1, "s", &Target::None);
    line("refresh (target 0.7 ×)", &tool, 1, "s", &Target::AtMost(0.7 * shell.median()));
    line("the shell way's downtime", &shell_down, 1, "s", &Target::None);
    line("refresh's downtime (target 0.5 ×)", &tool_down, 1, "s", &Target::AtMost(0.5 * shell_down.median()));
}

async fn rehearsal(sandbox: &RealSandbox, name: &str) {
    let [mut refresh, mut nothing, mut dirty, mut cold, mut full] = [(); 5].map(|()| Figures::default());
    let report = async |arguments: &[&str]| {
        let started = Instant::now();
        let report = sandbox.run(&[&["--output", "json"], arguments].concat()).await.assert_code(0).json();
        (started.elapsed().as_secs_f64(), report)
    };
    sandbox.populate(FEW);
    report(&["sync-documents"]).await;
    for _ in 0..ROUNDS {
        refresh.add(restore(&report(&["refresh-from-prod", "--full"]).await.1));
    }
    report(&["checkpoint", "--warm"]).await;
    let saved = saving(sandbox).await;
    for _ in 0..ROUNDS {
        nothing.add(report(&["reset"]).await.0);
        change(sandbox);
        dirty.add(report(&["reset"]).await.0);
        let made = "SET ROLE erp_sandbox_role; CREATE TABLE llx_rehearsed (rowid integer)";
        sandbox.postgres.sql(ACCESS.database, made);
        full.add(step(&report(&["reset"]).await.1, "Put the database back"));
    }
    report(&["checkpoint", "cool"]).await;
    for _ in 0..ROUNDS {
        change(sandbox);
        cold.add(report(&["reset"]).await.0);
    }
    let [production, back] = sandbox.postgres.checksums();
    assert!(back == production, "reset: another content");
    heading(&format!("Rehearsal: {name}"));
    saved.print();
    line("reset, warm, nothing changed", &nothing, 2, "s", &Target::AtMost(0.6));
    line("reset, warm, 3 tables and some documents", &dirty, 2, "s", &Target::AtMost(1.0));
    line("reset, cold, the same", &cold, 2, "s", &Target::AtMost(5.0));
    let target = Target::AtMost(1.1 * refresh.median());
    line("reset, all wiped and restored (target 1.1 × refresh's)", &full, 2, "s", &target);
}

/// What pg_dump takes by its own clock, what by `kubectl exec`, and what the same step takes of a checkpoint that has nothing to go by, and of
/// one after it.
#[derive(Default)]
struct Saving {
    clocked: Figures,
    by_hand: Figures,
    first: Figures,
    next: Figures,
}

impl Saving {
    fn print(&self) {
        line("kubectl exec pg_dump -Fc", &self.by_hand, 2, "s", &Target::None);
        line("  pg_dump by its own clock", &self.clocked, 2, "s", &Target::None);
        let target = Target::AtMost(1.2 * self.clocked.median());
        line("what the first checkpoint saves (target 1.2 × pg_dump's clock)", &self.first, 2, "s", &target);
        line("  another, 3 tables and some documents later", &self.next, 2, "s", &target);
    }
}

async fn saving(sandbox: &RealSandbox) -> Saving {
    let mut saving = Saving::default();
    let pods = sandbox.kubectl.run(&["-n", SANDBOX, "get", "pods", "-o", "name"]);
    let pod = pods.lines().find(|pod| pod.starts_with(&format!("pod/{}", golden::NAME))).expect("a warm Pod");
    let run = async |arguments: &[&str]| {
        sandbox.run(&[&["--output", "json"], arguments].concat()).await.assert_code(0).json()
    };
    for _ in 0..ROUNDS {
        run(&["checkpoint", "delete", "golden"]).await;
        let started = Instant::now();
        let said = sandbox.kubectl.run(&["-n", SANDBOX, "exec", pod, "--", "sh", "-c", DUMP_BY_HAND]);
        saving.by_hand.add(started.elapsed().as_secs_f64());
        saving.clocked.add(said.trim().parse::<f64>().expect("nanoseconds") / 1e9);
        saving.first.add(step(&run(&["checkpoint"]).await, SAVING));
        change(sandbox);
        saving.next.add(step(&run(&["checkpoint", "rehearsed"]).await, SAVING));
        run(&["reset"]).await;
        run(&["checkpoint", "delete", "rehearsed"]).await;
    }
    saving
}

fn change(sandbox: &RealSandbox) {
    sandbox.postgres.sql(ACCESS.database, DIRTY);
    sandbox.rehearse_documents();
}

async fn documents(sandbox: &RealSandbox) {
    let [mut shell, mut shell_again, mut tool, mut tool_again] = [(); 4].map(|()| Figures::default());
    sandbox.populate(MANY);
    for _ in 0..ROUNDS {
        sandbox.take_documents_away();
        for figures in [&mut shell, &mut shell_again] {
            let started = Instant::now();
            assert!(peer(sandbox, "sync-documents").status().expect("bash runs").success(), "the shell way failed");
            figures.add(started.elapsed().as_secs_f64());
        }
        sandbox.take_documents_away();
        for figures in [&mut tool, &mut tool_again] {
            let started = Instant::now();
            sandbox.run(&["sync-documents"]).await.assert_code(0);
            figures.add(started.elapsed().as_secs_f64());
        }
    }
    sandbox.populate(0);
    let rate = f64::from(MANY) * 1.048_576 / shell.median();
    heading(&format!("Documents: {MANY} MiB in files of 240 kB, incompressible; the shell way moves {rate:.0} MB/s"));
    line("kubectl exec tar | kubectl exec tar", &shell, 1, "s", &Target::None);
    line("sync-documents (target 0.9 × its speed)", &tool, 1, "s", &Target::AtMost(shell.median() / 0.9));
    line("kubectl exec tar | kubectl exec tar, nothing changed", &shell_again, 1, "s", &Target::None);
    line("sync-documents, nothing changed", &tool_again, 2, "s", &Target::AtMost(2.0));
}

fn peer(sandbox: &RealSandbox, command: &str) -> Command {
    let mut peer = Command::new("bash");
    peer.args([PEER, command]).env("KUBECONFIG", sandbox.kubectl.kubeconfig());
    peer.env("PGHOST", sandbox.postgres.address()).env("IMAGE", &sandbox.image).env("SECRET", "vso-db-credentials");
    peer.env("SB_NS", SANDBOX).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    peer
}
