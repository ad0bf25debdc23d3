//! A world that many cases are played in, one after the other, and the verdict on each.

use super::piece::Piece;
use super::trouble::is_transient;
use crate::support::leaks::leaks_since;
use crate::support::postgres::{Checksum, PRODUCTION, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, World};
use crate::support::store::DeleteOptions;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A run in this world takes two seconds; one that waits for a node that is lost takes a minute more.
const RUN_LIMIT: Duration = Duration::from_secs(150);
/// The cluster's own controllers need a moment when the run has ended.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// What the server has reported as committed must outlast its crash.
const DURABLE: &str = "synchronous_commit=on";

/// A small production and its older sandbox.
pub(super) struct Arena {
    pub(super) lab: Sandbox,
    before: World,
    /// How much of the database server's log has been judged.
    judged: u64,
    /// How many processes have been judged.
    processes: usize,
    on_small_disk: bool,
    piece: Piece,
    /// What a run that ends well brings the sandbox to: the database, and the documents.
    goal: (Checksum, Files),
}

/// By their names below the root.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What a case that was survived has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Refreshed,
    AsBefore,
}

impl Arena {
    pub(super) async fn new(piece: Piece) -> Self {
        let lab = Sandbox::with(&Production::Small, &[DURABLE]).await;
        for namespace in [PROD, SANDBOX] {
            let documents = lab.documents(namespace).join("mycompany/facture");
            fs::create_dir_all(&documents).expect("a directory");
            fs::write(documents.join("FA2611-0042.pdf"), "an invoice").expect("a file");
        }
        lab.offer_watchdog();
        let before = lab.world();
        let goal = (before.production.clone(), files(&lab.documents(PROD)));
        let mut arena = Self { before, lab, judged: 0, processes: 0, on_small_disk: false, piece, goal };
        if let Some(overture) = piece.overture() {
            let ran = arena.run(overture).await.expect("it ends");
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
        if !piece.is_refresh() {
            arena.goal = (arena.lab.world().sandbox, files(&arena.lab.documents(SANDBOX)));
        }
        arena.age();
        arena
    }

    /// The sandbox is used: again it differs from what it is brought to.
    fn age(&mut self) {
        let invoice = self.lab.documents(SANDBOX).join("mycompany/facture/FA2611-0042.pdf");
        // It is not there yet, or was never there.
        let _ = fs::remove_file(invoice);
        let rows = "SET ROLE erp_sandbox_role; UPDATE llx_const SET value = value || ' used' WHERE rowid < 9;";
        let schema = "CREATE TABLE IF NOT EXISTS llx_used (label text); INSERT INTO llx_used VALUES ('only here')";
        let schema = if self.piece.changes_schema() { schema } else { "" };
        self.lab.postgres.sql(ACCESS.database, &format!("{rows} {schema}"));
        // A node that was lost is replaced.
        for pod in self.lab.store.list("pods", Some(SANDBOX)).iter().filter(|pod| is_left_rightly(pod)) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            // Its node may be back by itself.
            let _ = self.lab.store.delete("pods", SANDBOX, name, DeleteOptions::now());
        }
        self.before = self.lab.world();
        self.lab.postgres.statements_from(&mut self.judged);
        self.lab.api.faults.clear();
        self.lab.api.record.clear();
    }

    /// Room for the sandbox's database and a second one of its size.
    pub(super) fn move_to_small_disk(&mut self) {
        if !std::mem::replace(&mut self.on_small_disk, true) {
            self.lab.postgres.on_small_disk(64 << 20, &[DURABLE]);
        }
    }

    pub(super) fn restart_postgres(&mut self) {
        self.lab.postgres.restart(&[DURABLE]);
    }

    /// What is played.
    pub(super) fn start(&self) -> Child {
        self.begin(self.piece.arguments())
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        let mut command: Command = self.lab.command(arguments);
        command.env("SANDBOX_LIFECYCLE_MIN_TABLES", "10").env("SANDBOX_LIFECYCLE_REQUEST_TIMEOUT", "2");
        command.spawn().expect("the binary starts")
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Ran, String> {
        finish(self.begin(arguments)).await
    }

    /// The promises that hold after every case. Then the sandbox is made old for the next one.
    /// A `recover` that is `repaired` has no content to promise.
    pub(super) async fn judge(&mut self, ran: &Ran, repaired: bool) -> Result<End, String> {
        let wrong = |what: &str| format!("{what}\nexit code {}, stderr:\n{}{}", ran.code, ran.stderr, ran.stdout);
        self.settled().await.map_err(|what| wrong(&what))?;
        let after = self.lab.world();
        if after.production != self.before.production {
            return Err(wrong("production was changed"));
        }
        self.only_reads_production().map_err(|what| wrong(&what))?;
        if let Some(leak) = leaks_since(&self.lab, ran, &mut self.processes).first() {
            return Err(wrong(&format!("a password is told: {leak}")));
        }
        let end = match &after.sandbox {
            same if *same == self.before.sandbox => End::AsBefore,
            new if *new == self.goal.0 && self.piece != Piece::Checkpoint => End::Refreshed,
            _ => return Err(wrong("the sandbox is neither the old nor the new one")),
        };
        let documents = files(&self.lab.documents(SANDBOX)) == self.goal.1;
        match (ran.code, end) {
            (0, _) if repaired => Ok(()),
            (0 | 1 | 130 | 143, _) if self.piece == Piece::Checkpoint => self.checkpoint_is_whole(ran).await,
            (0, End::AsBefore) => Err(wrong("said to be done, with the old content")),
            (0, _) if !documents => Err(wrong("said to be done, with the old documents")),
            (0, _) | (1 | 130 | 143, _) => Ok(()),
            _ => Err(wrong("an exit code that is not for this")),
        }?;
        self.age();
        Ok(end)
    }

    /// One that was taken is what the sandbox is; where none was taken, the one before it is whole.
    async fn checkpoint_is_whole(&self, ran: &Ran) -> Result<(), String> {
        let diff = self.run(&["diff"]).await?;
        let same = diff.stdout.contains("nothing has changed") || diff.stderr.contains("nothing has changed");
        match diff.code == 0 && (same || ran.code != 0) {
            true => Ok(()),
            false => {
                Err(format!("the checkpoint is not the sandbox (exit code {}): {diff:?}\n{}", ran.code, ran.stderr))
            }
        }
    }

    /// Everything in the cluster is as it was before, once its controllers have done their part.
    async fn settled(&self) -> Result<(), String> {
        let state = || {
            let world = |resource: &str| names(&self.lab.store.list(resource, Some(SANDBOX)));
            let pods = self.lab.store.list("pods", Some(SANDBOX));
            let pods = names(&pods.into_iter().filter(|pod| !is_left_rightly(pod)).collect::<Vec<_>>());
            let deployment = self.lab.store.get("deployments", SANDBOX, SANDBOX).unwrap_or_default();
            let objects: BTreeMap<String, Vec<String>> = ["secrets", "jobs", "leases"]
                .into_iter()
                .map(|resource| (resource.to_owned(), world(resource)))
                .collect();
            (deployment, self.lab.sync_policy(), objects, pods)
        };
        let as_before = || {
            let (deployment, sync_policy, objects, pods) = state();
            deployment["spec"]["replicas"] == self.before.replicas
                && deployment["status"]["readyReplicas"] == self.before.replicas
                && sync_policy == self.before.sync_policy
                && objects == self.before.objects
                && pods.iter().all(|pod| !is_transient(pod))
        };
        let settled = self.lab.until("everything is as it was", as_before);
        tokio::time::timeout(SETTLE_LIMIT, settled).await.map_err(|_| {
            let (deployment, sync_policy, objects, pods) = state();
            let (replicas, ready) = (&deployment["spec"]["replicas"], &deployment["status"]["readyReplicas"]);
            format!("not as before: {replicas} replicas, {ready} ready, {sync_policy}, {objects:?}, Pods {pods:?}")
        })
    }

    /// Neither the log of the database nor the record of the cluster's API knows of a write to production.
    fn only_reads_production(&mut self) -> Result<(), String> {
        let log = self.lab.postgres.statements_from(&mut self.judged);
        let writes = super::writes::in_log(&log, PRODUCTION.database);
        if let Some(write) = writes.first() {
            return Err(format!("a write to production: {write}"));
        }
        let seen = self.lab.api.record.all();
        let write = seen.iter().find(|seen| {
            let production = seen.target().is_some_and(|target| target.namespace == PROD);
            production && seen.is_write() && !seen.path.ends_with("/exec")
        });
        write.map_or(Ok(()), |seen| Err(format!("a write to production: {}", seen.line())))
    }
}

/// Waits for the binary's end.
pub(super) async fn finish(child: Child) -> Result<Ran, String> {
    let output = tokio::time::timeout(RUN_LIMIT, child.wait_with_output()).await;
    let output = output.map_err(|_| format!("no end within {RUN_LIMIT:?}"))?.expect("its output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// Nobody can delete the object of a Pod whose node does not answer; of one in which nothing is known to run, the tool says
/// nothing, and no more is promised.
fn is_left_rightly(pod: &Value) -> bool {
    let runs = |list: &str| {
        pod["status"][list].as_array().into_iter().flatten().any(|one| one["state"]["running"].is_object())
    };
    let runs = ["initContainerStatuses", "containerStatuses"].into_iter().any(runs);
    pod["metadata"]["deletionTimestamp"].is_string() && pod["status"]["reason"] == "NodeLost" && !runs
}

fn names(objects: &[Value]) -> Vec<String> {
    objects.iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

/// The files of the documents' tree with their content.
fn files(root: &Path) -> Files {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.join("mycompany")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => directories.push(path),
                path => {
                    let name = path.strip_prefix(root).expect("it is below the root").to_owned();
                    found.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
    }
    found
}
