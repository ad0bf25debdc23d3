//! A sandbox in which something can be rehearsed: documents, changes to them and to the database, and all of it as one value.

use std::fs;
use std::path::PathBuf;

use crate::documents::{populate, tree};
use crate::support::postgres::{Checksum, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};
use crate::support::scene::Scene;
use tokio::process::Command;

/// What a reset puts back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rehearsed {
    pub(super) database: Checksum,
    pub(super) documents: String,
}

/// Three tables, as an agent's rehearsal leaves them, and their sequences.
pub(super) const CHANGES: &str = "
    UPDATE llx_const SET value = 'rehearsed' WHERE name = 'CONST_1';
    DELETE FROM llx_const WHERE name = 'CONST_2';
    INSERT INTO llx_user (login) VALUES ('agent');
    INSERT INTO llx_element_element VALUES (1, 'a', 2, 'b')";

impl Sandbox {
    /// Documents in the sandbox's tree.
    pub(super) fn furnish_documents(&self) {
        populate(&self.documents(SANDBOX), 300_000);
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.documents(SANDBOX).join("mycompany")
    }

    pub(super) fn rehearsed(&self) -> Rehearsed {
        Rehearsed { database: self.postgres.checksum(ACCESS.database), documents: tree(&self.tree()) }
    }

    pub(super) fn change_database(&self, text: &str) {
        self.postgres.sql(ACCESS.database, text);
    }

    /// Changes the database and the documents, in each of the ways there are.
    pub(super) fn rehearse(&self) {
        self.change_database(CHANGES);
        let tree = self.tree();
        fs::write(tree.join("new.pdf"), "new").expect("a file");
        fs::write(tree.join(".hidden"), "changed").expect("a file");
        fs::remove_file(tree.join("-rf")).expect("a file");
    }

    /// The golden volume as the host sees it.
    pub(super) fn golden(&self) -> PathBuf {
        self.kubelet.claim(SANDBOX, "sandbox-golden")
    }

    /// The sets on the golden volume, whole or not.
    pub(super) fn sets(&self) -> Vec<String> {
        let sets = fs::read_dir(self.golden().join("sets")).expect("the volume's sets");
        let mut sets: Vec<String> =
            sets.map(|set| set.expect("a set").file_name().to_string_lossy().into_owned()).collect();
        sets.sort();
        sets
    }
}

/// The fixture with few tables has no more.
pub(super) const FEW_TABLES: [&str; 2] = ["--min-tables", "10"];

/// Few tables, for what is run often; with documents, a checkpoint, and the Pod kept.
pub(super) async fn warm() -> Sandbox {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    lab
}

impl Sandbox {
    /// A run on the fixture with few tables.
    pub(super) async fn quick(&self, arguments: &[&str]) -> Ran {
        finish(self.quickly(arguments).spawn().expect("the binary starts")).await
    }

    pub(super) fn quickly(&self, arguments: &[&str]) -> Command {
        Self::command(self, &[arguments, &FEW_TABLES].concat())
    }

    /// The directory of the checkpoint's set.
    pub(super) fn set(&self, name: &str) -> PathBuf {
        let link = fs::read_link(self.golden().join("checkpoints").join(name)).expect("the checkpoint's link");
        self.golden().join("checkpoints").join(link)
    }

    /// Lets the Lease of a killed run run out at once.
    pub(super) fn expire(&self) {
        if self.store.get("leases", SANDBOX, "sandbox-lifecycle").is_some() {
            self.expire_lease();
        }
    }
}
