//! `tests/bench --backup`: backup beside `pg_dump | cat` and `tar | cat` through the same exec into the same store, by turns.
use super::documents::{BYTES, populate};
use super::figures::{Figures, Target, heading, line};
use super::{ROUNDS, upload};
use crate::support::container::image::POSTGRES;
use crate::support::memory::{MOST, peak};
use crate::support::postgres::{PRODUCTION, PostgresServer, Production};
use crate::support::s3::S3;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox, finish};
use serde_json::{Value, json};
use std::time::Instant;

/// Rows of 4 kB that no compression makes smaller: the real dump is a few MB, which takes its time not for its bytes.
const BALLAST: &str = "SET ROLE erp_role; CREATE TABLE llx_ballast AS SELECT g AS rowid, (SELECT decode(string_agg(md5(random()::text || g || h), ''), 'hex') \
                       FROM generate_series(1, 256) h) AS content FROM generate_series(1, 30000) g";
/// The Pod with the client, where `pg_dump | cat` runs.
const CLIENT: &str = "by-hand";

const SECRET: &str = "bucket-key";

/// A lab with a bucket.
pub(super) struct Vault {
    pub(super) lab: Sandbox,
    pub(super) s3: S3,
}

pub(super) async fn measure() {
    let production = PostgresServer::real_dump().unwrap_or(Production::Fixture);
    let vault = Vault { lab: Sandbox::with(&production, &[]).await, s3: S3::start().await };
    vault.lab.create("secrets", vault.s3.secret(SECRET, SANDBOX));
    client(&vault.lab).await;
    compare(&vault, "Backup of the real dump, a few documents", false).await;
    vault.lab.postgres.sql(PRODUCTION.database, BALLAST);
    populate(&vault.lab.documents(PROD).join("mycompany"));
    compare(&vault, "Backup with 120 MB of rows more, and 1 GB of documents, both incompressible", true).await;
}

/// A few documents say nothing about their rate.
async fn compare(vault: &Vault, title: &str, has_gigabyte: bool) {
    let [mut hand_dump, mut hand_tar, mut dump, mut tar, mut whole, mut memory] = [(); 6].map(|()| Figures::default());
    let pod = vault.lab.store.list("pods", Some(PROD))[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    let (pg_dump, cat) =
        (dump_command(&vault.lab), ["tar", "-cf", "-", "-C", "/var/www/documents", "."].map(str::to_owned));
    for _ in 0..ROUNDS {
        hand_dump.add(upload::copy(vault, (SANDBOX, CLIENT), &pg_dump).await);
        hand_tar.add(upload::copy(vault, (PROD, &pod), &cat).await);
        let (report, seconds, resident) = backup(vault).await;
        dump.add(step(&report, "Dump the database into the bucket"));
        tar.add(step(&report, "Copy the documents into the bucket"));
        whole.add(seconds);
        memory.add(resident);
        vault.s3.bucket().objects.clear();
    }
    heading(title);
    line("by hand: pg_dump | cat", &hand_dump, 2, "s", &Target::None);
    let target = Target::AtMost(hand_dump.median() / 0.8);
    line("backup: Pod, counts, dump, sums (0.8 × its speed)", &dump, 2, "s", &target);
    if has_gigabyte {
        line("by hand: tar | cat", &hand_tar, 2, "s", &Target::None);
        let target = Target::AtMost(hand_tar.median() / 0.8);
        line("backup: the documents (target 0.8 × its speed)", &tar, 2, "s", &target);
        line("  in MB/s", &rate(&tar), 0, "MB/s", &Target::None);
    }
    line("backup, all of it", &whole, 2, "s", &Target::None);
    line("its peak of resident memory", &memory, 1, "MiB", &Target::AtMost(MOST));
}

fn rate(seconds: &Figures) -> Figures {
    let mut rate = Figures::default();
    rate.add(BYTES / 1e6 / seconds.median());
    rate
}

/// A Pod with PostgreSQL's client that waits to be used.
async fn client(lab: &Sandbox) {
    let env = json!([{"name": "PGPASSWORD", "value": PRODUCTION.password}]);
    let container = json!({"name": "client", "image": POSTGRES, "command": ["sleep", "3600"], "env": env});
    lab.create(
        "pods",
        json!({"metadata": {"name": CLIENT, "namespace": SANDBOX}, "spec": {"containers": [container]}}),
    );
    lab.until("the client runs", || {
        let pod = lab.store.get("pods", SANDBOX, CLIENT).unwrap_or_default();
        pod["status"]["phase"] == "Running"
    })
    .await;
}

fn dump_command(lab: &Sandbox) -> [String; 3] {
    let (port, user) = (lab.postgres.port(), PRODUCTION.user);
    let dump = "pg_dump -w -Fc -Z1 --schema=public -h 127.0.0.1";
    ["sh", "-c", &format!("exec {dump} -p {port} -U {user} {}", PRODUCTION.database)].map(str::to_owned)
}

/// The report, seconds, and the highest it had resident in MiB.
async fn backup(vault: &Vault) -> (Value, f64, f64) {
    let started = Instant::now();
    let child =
        vault.lab.command(&["--output", "json", "backup", "--s3-secret", SECRET]).spawn().expect("the binary starts");
    let (highest, ran) = peak(child.id().expect("it runs"), finish(child)).await;
    (ran.assert_code(0).json(), started.elapsed().as_secs_f64(), highest)
}

fn step(report: &Value, title: &str) -> f64 {
    let steps = report["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == title).unwrap_or_else(|| panic!("{title}: {report}"));
    step["seconds"].as_f64().expect("a number")
}
