//! A world that many cases are played in, one after the other.

use super::bucket::Vault;
use super::documents;
use super::piece::Piece;
use super::volume;
use crate::backup::vault::SECRET as BUCKET_SECRET;
use crate::support::postgres::{Checksum, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, World};
use crate::support::store::DeleteOptions;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A run in this world takes two seconds; one that waits for a node that is lost takes a minute more.
const RUN_LIMIT: Duration = Duration::from_secs(150);

/// What the server has reported as committed must outlast its crash.
const DURABLE: &str = "synchronous_commit=on";

/// The Deployment of the Pod that is kept.
pub(super) const KEPT: &str = "sandbox-lifecycle-golden";

const USED_ROWS: &str = "UPDATE llx_const SET value = value || ' used' WHERE rowid < 9;";
const USED_SCHEMA: &str = "CREATE TABLE IF NOT EXISTS llx_used (label text); INSERT INTO llx_used VALUES ('only here')";
/// Every row of every table, and some sequences.
const USED_TABLES: &str = "
    UPDATE llx_const SET value = value || ' used'; UPDATE llx_user SET statut = statut + 1;
    UPDATE llx_element_element SET fk_target = fk_target + 1;
    SELECT nextval('llx_user_rowid_seq'), nextval('llx_const_rowid_seq'), nextval('llx_facture_rowid_seq');
    DO $$ DECLARE entity text; BEGIN
        FOREACH entity IN ARRAY ARRAY['facture', 'societe', 'ticket'] LOOP
            EXECUTE format('UPDATE %I SET label = label || '' used''', 'llx_c_' || entity);
            EXECUTE format('UPDATE %I SET label = label || '' used''', 'llx_' || entity);
            EXECUTE format('UPDATE %I SET rang = rang + 1', 'llx_' || entity || 'det');
            EXECUTE format('UPDATE %I SET import_key = ''used''', 'llx_' || entity || '_extrafields');
        END LOOP;
    END $$;";

/// A small production and its older sandbox.
pub(super) struct Arena {
    pub(super) lab: Sandbox,
    pub(super) before: World,
    /// The documents of the sandbox before a case.
    pub(super) documents: Files,
    /// How much of the database server's log has been judged.
    pub(super) judged: u64,
    /// How many processes have been judged.
    pub(super) processes: usize,
    on_small_disk: bool,
    pub(super) piece: Piece,
    /// What a run that ends well brings the sandbox to: the database, and the documents.
    pub(super) goal: (Checksum, Files),
    pub(super) vault: Option<Vault>,
}

/// By their names below the root.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

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
        if piece == Piece::RefreshOfDocuments {
            documents::fill(&lab.documents(PROD));
        }
        lab.offer_watchdog();
        if matches!(piece, Piece::CheckpointSmall | Piece::CheckpointAnew) {
            lab.kubelet.set(|config| config.small_claims = vec![("sandbox-golden".to_owned(), volume::MEBIBYTES)]);
        }
        let vault = if piece.has_a_bucket() { Some(Vault::new(&lab).await) } else { None };
        let before = lab.world();
        let goal = (before.production.clone(), files(&lab.documents(PROD)));
        let documents = Files::new();
        let mut arena =
            Self { before, documents, lab, judged: 0, processes: 0, on_small_disk: false, piece, goal, vault };
        if let Some(overture) = piece.overture() {
            let ran = arena.run(overture).await.expect("it ends");
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
        if !piece.is_refresh() {
            arena.goal = (arena.lab.world().sandbox, files(&arena.lab.documents(SANDBOX)));
        }
        arena.vault.iter_mut().for_each(Vault::keep);
        arena.age().await;
        arena
    }

    /// The sandbox is used: again it differs from what it is brought to.
    pub(super) async fn age(&mut self) {
        let invoice = self.lab.documents(SANDBOX).join("mycompany/facture/FA2611-0042.pdf");
        // It is not there yet, or was never there.
        let _ = fs::remove_file(invoice);
        if self.piece == Piece::RefreshOfDocuments {
            documents::age(&self.lab.documents(SANDBOX));
        }
        self.lab.kubelet.exec_faults().disarm();
        let rows = if self.piece == Piece::ResetOfTables { USED_TABLES } else { USED_ROWS };
        let schema = if self.piece.changes_schema() { USED_SCHEMA } else { "" };
        self.lab.postgres.sql(ACCESS.database, &format!("SET ROLE erp_sandbox_role; {rows} {schema}"));
        self.replace_nodes().await;
        self.vault.iter().for_each(Vault::put_back);
        self.before = self.lab.world();
        self.documents = files(&self.lab.documents(SANDBOX));
        self.lab.postgres.statements_from(&mut self.judged);
        self.lab.api.faults.clear();
        self.lab.api.record.clear();
    }

    /// One that was lost is replaced.
    pub(super) async fn replace_nodes(&self) {
        for pod in self.lab.store.list("pods", Some(SANDBOX)).iter().filter(|pod| is_lost(pod)) {
            // Its node may be back by itself.
            let _ = self.lab.store.delete("pods", SANDBOX, &name(pod), DeleteOptions::now());
        }
        self.warmed_up().await;
    }

    /// Where a Pod is kept, whatever has become of it, there is another one.
    async fn warmed_up(&self) {
        let is_warm = || {
            let kept = self.lab.store.get("deployments", SANDBOX, KEPT);
            kept.is_none_or(|kept| kept["status"]["readyReplicas"] == kept["spec"]["replicas"])
        };
        self.lab.until("the Pod that is kept is Ready", is_warm).await;
    }

    /// Room for the sandbox's database and a second one of its size.
    pub(super) fn move_to_small_disk(&mut self) {
        if !std::mem::replace(&mut self.on_small_disk, true) {
            self.lab.postgres.on_small_disk(64 << 20, &[DURABLE]);
        }
    }

    /// The Deployment makes another one.
    pub(super) fn delete_target(&self) {
        for pod in self.lab.store.list("pods", Some(SANDBOX)) {
            if pod["metadata"]["labels"]["app"] == SANDBOX {
                // One may be going already.
                let _ = self.lab.store.delete("pods", SANDBOX, &name(&pod), DeleteOptions::default());
            }
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
        if self.vault.is_some() {
            command.env("SANDBOX_LIFECYCLE_S3_SECRET", BUCKET_SECRET);
        }
        command.spawn().expect("the binary starts")
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Ran, String> {
        finish(self.begin(arguments)).await
    }
}

/// Waits for the binary's end. One that has nothing to put back, such as a look, may leave a signal to the system: its code is what a
/// shell makes of that.
pub(super) async fn finish(child: Child) -> Result<Ran, String> {
    let output = tokio::time::timeout(RUN_LIMIT, child.wait_with_output()).await;
    let output = output.map_err(|_| format!("no end within {RUN_LIMIT:?}"))?.expect("its output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let by_signal = output.status.signal().map_or(-1, |signal| 128 + signal);
    Ok(Ran {
        code: output.status.code().unwrap_or(by_signal),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

/// Its node does not answer any more.
fn is_lost(pod: &Value) -> bool {
    pod["status"]["reason"] == "NodeLost"
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The files of the documents' tree with their content.
pub(super) fn files(root: &Path) -> Files {
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
