//! Who is there beside a reset: the application that stays up, another run, a rotation of the credentials.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::world::{CHANGES, warm};
use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::SANDBOX as ACCESS;
use crate::support::sandbox::{SANDBOX, Sandbox, finish};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// On a busy machine, too.
const LIMIT: Duration = Duration::from_secs(60);

/// The first write of a warm reset's Lease after its creation: the proof that it is still held, just before the commit.
const BEFORE_COMMIT: &str = "update leases sandbox-lifecycle";

#[tokio::test(flavor = "multi_thread")]
async fn the_application_stays_up_and_connected_and_nothing_of_it_is_paused() {
    let lab = warm().await;
    let before = lab.rehearsed();
    let pods =
        || lab.store.list("pods", Some(SANDBOX)).iter().map(|pod| pod["metadata"]["uid"].clone()).collect::<Vec<_>>();
    let (running, writes) = (pods(), lab.api.record.writes().len());
    let mut psql = lab.postgres.psql_as(&ACCESS);
    psql.args(["-d", ACCESS.database, "-At"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut connected = psql.spawn().expect("psql starts");
    let mut input = connected.stdin.take().expect("stdin is piped");
    std::io::Write::write_all(&mut input, b"SELECT 'connected';\n").expect("written");
    lab.rehearse();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    std::io::Write::write_all(&mut input, b"SELECT count(*) > 0 FROM llx_const;\n").expect("written");
    drop(input);
    let output = connected.wait_with_output().expect("its output");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "connected\nt\n", "its session was ended");
    assert_eq!(pods(), running);
    let writes = lab.api.record.writes().split_off(writes);
    let touched = |line: &&String| line.contains("applications") || line.contains("deployments");
    assert_eq!(writes.iter().filter(touched).count(), 0, "{writes:?}");
}

/// Writes rows one after the other, and tells their numbers, until the reset is over; then one more, so that one comes after it. It ends
/// where nobody listens any more, as in a test that has failed.
fn write_rows(lab: &Sandbox, over: &AtomicBool, written: &Sender<u32>) {
    for number in 0.. {
        let last = over.load(Ordering::SeqCst);
        let row = format!("INSERT INTO llx_const (name, value) VALUES ('WRITER {number}', 'x')");
        lab.postgres.sql(ACCESS.database, &row);
        if written.send(number).is_err() || last {
            return;
        }
    }
}

/// The last row that was written when the next one waits for the reset.
fn last_before_it_waits(lab: &Sandbox, written: &Receiver<u32>) -> u32 {
    // As one would in a table in which nothing is put back: it was compared, too.
    let other = "SET lock_timeout = '10ms'; UPDATE llx_c_societe SET label = label || '!'";
    let other = lab.postgres.try_sql(ACCESS.database, other);
    assert!(other.as_ref().is_err_and(|error| error.contains("due to lock timeout")), "{other:?}");
    let waits =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO llx_const%'";
    let begun = Instant::now();
    while lab.postgres.sql(ACCESS.database, waits).trim() != "1" {
        assert!(begun.elapsed() < LIMIT, "the writer does not wait");
    }
    written.try_iter().last().expect("it wrote until the reset locked it out")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_beside_waits_or_comes_after_and_never_mixes() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.rehearse();
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line(BEFORE_COMMIT, Fault::Hang(gate.clone())));
    let over = AtomicBool::new(false);
    let (write, written) = std::sync::mpsc::channel();
    let (locked_out, written) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_rows(&lab, &over, &write));
        let reset = async {
            let written = written;
            assert_eq!(written.recv(), Ok(0), "it is at work");
            let reset = lab.quickly(&["reset"]).spawn().expect("the binary starts");
            gate.reached().await;
            let locked_out = last_before_it_waits(&lab, &written);
            gate.open();
            finish(reset).await.assert_code(0);
            (locked_out, written)
        };
        let ended = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(reset));
        over.store(true, Ordering::SeqCst);
        writer.join().expect("the writer");
        ended
    });
    let last = written.try_iter().last().expect("it has written until the end");
    // What was written before the reset's transaction is gone with the rest, what came after it is all there, and in its order.
    let left = "SELECT split_part(name, ' ', 2) FROM llx_const WHERE name LIKE 'WRITER %' ORDER BY rowid";
    let left = lab.postgres.sql(ACCESS.database, left);
    let left: Vec<u32> = left.lines().map(|number| number.parse().expect("a number")).collect();
    assert_eq!(left, (locked_out + 1..=last).collect::<Vec<_>>());
    // But for these rows, and what they have taken of the sequence, all is the checkpoint's.
    lab.postgres.sql(ACCESS.database, "DELETE FROM llx_const WHERE name LIKE 'WRITER %'");
    let taken = format!("SELECT setval('llx_const_rowid_seq', last_value - {}) FROM llx_const_rowid_seq", left.len());
    lab.postgres.sql(ACCESS.database, &taken);
    assert_eq!(lab.rehearsed(), before);
}

/// The application does not wait for as long as a large checkpoint takes to be read.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_checkpoint_is_read_goes_through_and_is_put_back_too() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.rehearse();
    let sums = lab.golden().join("checkpoints/golden/documents.sha256");
    let aside = sums.with_extension("aside");
    std::fs::rename(&sums, &aside).expect("it moves");
    assert!(std::process::Command::new("mkfifo").arg(&sums).status().expect("mkfifo runs").success());
    let reset = lab.quickly(&["reset"]).spawn().expect("the binary starts");
    let mut slow = std::fs::File::options().write(true).open(&sums).expect("somebody reads");
    let compared = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name LIKE 'sandbox-lifecycle/%'";
    let begun = Instant::now();
    while lab.postgres.sql(ACCESS.database, compared).trim() != "1" {
        assert!(begun.elapsed() < LIMIT, "nothing has been compared");
    }
    lab.change_database("SET lock_timeout = '2min'; UPDATE llx_user SET login = login || '!'");
    let content = std::fs::read(&aside).expect("the sums");
    std::fs::rename(&aside, &sums).expect("it moves back");
    std::io::Write::write_all(&mut slow, &content).expect("they are read");
    drop(slow);
    finish(reset).await.assert_code(0).assert_says("3 tables put back");
    assert_eq!(lab.rehearsed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_reset_waits_or_says_who_holds_the_lease() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.rehearse();
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line(BEFORE_COMMIT, Fault::Hang(gate.clone())));
    let first = lab.quickly(&["reset"]).spawn().expect("the binary starts");
    gate.reached().await;
    let refused = lab.quick(&["reset", "--wait", "100ms"]).await.assert_code(1).assert_says("is held by tester@");
    refused.assert_says("let this wait for longer, as by `--wait 5m`");
    let second = lab.quickly(&["reset"]).spawn().expect("the binary starts");
    gate.open();
    finish(first).await.assert_code(0);
    finish(second).await.assert_code(0).assert_says("0 tables put back");
    assert_eq!(lab.rehearsed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_credentials_are_picked_up_by_the_warm_pod() {
    let lab = warm().await;
    let pods =
        || lab.store.list("pods", Some(SANDBOX)).iter().map(|pod| pod["metadata"]["uid"].clone()).collect::<Vec<_>>();
    let (before, running) = (lab.rehearsed(), pods());
    rotate(&lab);
    lab.rehearse();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    assert_eq!(pods(), running);
}

/// As Vault does it with a static role: the former password is dead at once.
fn rotate(lab: &Sandbox) {
    lab.postgres.sql("postgres", r#"ALTER ROLE "v-sandbox-1" PASSWORD 'rotated'"#);
    lab.change("secrets", SANDBOX, "vso-db-credentials", |secret| {
        secret["data"]["password"] = STANDARD.encode("rotated").into();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_have_not_reached_the_warm_pod_yet_are_told_with_what_to_do() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.kubelet.set(|config| config.holds_secrets = true);
    rotate(&lab);
    lab.rehearse();
    let (changed, sets) = (lab.rehearsed(), lab.sets());
    for (command, code) in [("reset", 20), ("checkpoint", 10), ("diff", 40)] {
        let ran = lab.quick(&[command]).await.assert_code(1).assert_says(&format!("(exit code {code})"));
        ran.assert_says("(look at --sandbox-secret); Secret erp-sandbox/vso-db-credentials was written ")
            .assert_says(" ago, and the idle Pod sees that after a minute or two: try again then, or run ")
            .assert_says(" checkpoint cool` first, as a new Pod has it at once");
        assert_eq!((lab.rehearsed(), lab.sets()), (changed.clone(), sets.clone()), "{command}");
    }
    lab.kubelet.sync_secrets();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_warm_pod_rotated_credentials_are_there_at_once() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.kubelet.set(|config| config.holds_secrets = true);
    rotate(&lab);
    lab.rehearse();
    lab.quick(&["checkpoint", "cool"]).await.assert_code(0);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_it_pauses_and_stops_as_a_refresh_does_and_all_is_as_it_was() {
    let lab = warm().await;
    let (before, world) = (lab.rehearsed(), lab.world());
    lab.rehearse();
    let writes = lab.api.record.writes().len();
    let reset = lab.quick(&["--output", "json", "reset", "--offline"]).await.assert_code(0).json();
    assert!(reset["downtime_seconds"].as_f64() > Some(0.0), "{reset}");
    assert_eq!(lab.rehearsed(), before);
    assert_eq!(lab.world().sync_policy, world.sync_policy);
    assert_eq!(lab.world().replicas, world.replicas);
    let writes = lab.api.record.writes().split_off(writes);
    let order: Vec<&str> = writes
        .iter()
        .map(String::as_str)
        .filter(|line| line.contains("applications") || line.contains("scale"))
        .collect();
    let (pause, scale) = ("patch applications erp-sandbox", "patch deployments/scale erp-sandbox");
    assert_eq!(order, [pause, scale, scale, pause]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_s_pod_is_replaced() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.change("deployments", SANDBOX, "sandbox-lifecycle-golden", |deployment| {
        deployment["spec"]["template"]["metadata"]["labels"]["sandbox-lifecycle/golden"] = "older".into();
    });
    lab.until("the older Pod is there", || {
        let pods = lab.store.list("pods", Some(SANDBOX));
        pods.iter().any(|pod| pod["metadata"]["labels"]["sandbox-lifecycle/golden"] == "older")
    })
    .await;
    lab.change_database(CHANGES);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    let pods = lab.store.list("pods", Some(SANDBOX));
    let older = pods.iter().filter(|pod| pod["metadata"]["labels"]["sandbox-lifecycle/golden"] == "older");
    assert!(older.into_iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_string()));
}
