//! A lab with a bucket, and the Secret that leads to it.

use crate::documents::{populate, tree};
use crate::support::postgres::Production;
use crate::support::s3::S3;
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, finish};
use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::process::Command;

pub(crate) struct Vault {
    pub(crate) lab: Sandbox,
    pub(crate) s3: S3,
    /// What the binary is told beside.
    environment: Vec<(&'static str, &'static str)>,
}

fn encode(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The Secret's name.
pub(crate) const SECRET: &str = "bucket-key";

/// The Secret that leads to this bucket.
pub(crate) fn secret(s3: &S3) -> Value {
    s3.secret(SECRET, SANDBOX)
}

impl Vault {
    pub(crate) async fn new() -> Self {
        Self::of(Sandbox::new().await, S3::start().await).with_documents()
    }

    /// With a small database, and documents of so many MiB in production.
    pub(crate) async fn small(documents: usize) -> Self {
        let vault = Self::of(Sandbox::with(&Production::Small, &[]).await, S3::start().await).few_tables();
        vault.populate(documents);
        vault
    }

    pub(crate) fn of(lab: Sandbox, s3: S3) -> Self {
        lab.create("secrets", s3.secret("bucket-key", SANDBOX));
        Self { lab, s3, environment: vec![("SANDBOX_LIFECYCLE_S3_SECRET", "bucket-key")] }
    }

    /// In production, and others in the sandbox.
    pub(crate) fn with_documents(self) -> Self {
        populate(&self.lab.documents(PROD), 1_000);
        let stale = self.lab.documents(SANDBOX).join("mycompany/stale");
        std::fs::create_dir_all(&stale).expect("a directory");
        std::fs::write(stale.join("old.pdf"), "old").expect("a file");
        self
    }

    pub(crate) fn few_tables(mut self) -> Self {
        self.environment.push(("SANDBOX_LIFECYCLE_MIN_TABLES", "10"));
        self
    }

    /// Gives production a file of so many MiB.
    pub(crate) fn populate(&self, documents: usize) {
        let tree = self.lab.documents(PROD).join("mycompany");
        std::fs::create_dir_all(&tree).expect("a tree");
        let content: Vec<u8> = (0..documents << 20).map(|at| (at >> 7) as u8).collect();
        std::fs::write(tree.join("big.bin"), content).expect("a document");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.lab.command(arguments);
        command.envs(self.environment.iter().copied());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().expect("the binary starts")).await
    }

    /// Starts it, waits until the store is asked something with these words, lets `happen` happen, and waits for its end.
    pub(crate) async fn midway(&self, arguments: &[&str], words: &str, happen: impl FnOnce(u32)) -> Ran {
        let child = self.command(arguments).spawn().expect("the binary starts");
        self.s3.asked(words).await;
        happen(child.id().expect("it runs"));
        finish(child).await
    }

    /// Everything is so much older from now on that a prune takes what belongs to no set.
    pub(crate) fn age(&self) {
        let mut bucket = self.s3.bucket();
        let then = jiff::Timestamp::now().as_second() - 25 * 3600;
        let names: Vec<String> = bucket.objects.keys().chain(bucket.uploads.keys()).cloned().collect();
        bucket.modified.extend(names.into_iter().map(|name| (name, then)));
    }

    /// The names of the sets that exist.
    pub(crate) async fn sets(&self) -> Vec<String> {
        let listed = self.run(&["--output", "json", "backup", "list"]).await.assert_code(0).json();
        let sets = listed.as_array().expect("a list").iter();
        sets.map(|set| set["id"].as_str().expect("a name").to_owned()).collect()
    }

    /// From now on the Secret has this beside.
    pub(crate) fn put(&self, name: &str, text: &str) {
        self.lab.change("secrets", SANDBOX, "bucket-key", |secret| secret["data"][name] = encode(text).into());
    }

    /// The documents tree of an environment, with all that is in it.
    pub(crate) fn tree(&self, namespace: &str) -> String {
        tree(&self.lab.documents(namespace).join("mycompany"))
    }

    /// From now on the Secret has this key.
    pub(crate) async fn with_key(&self, key: &str) -> String {
        self.lab.change("secrets", SANDBOX, SECRET, |secret| secret["data"]["secret_key"] = encode(key).into());
        key.to_owned()
    }
}

/// Makes the set another one that is as true to itself, as whoever can write there could: the object with this ending is changed, and
/// what the manifest says of it, at `[part][name]`, with it.
pub(crate) fn forge(vault: &Vault, ending: &str, (part, name): (&str, &str), change: impl FnOnce(&mut Vec<u8>)) {
    let mut bucket = vault.s3.bucket();
    let key = bucket.objects.keys().find(|key| key.ends_with(ending)).expect("the object").clone();
    let content = bucket.objects.get_mut(&key).expect("the object");
    change(content);
    let sum: String = Sha256::digest(&content[..]).iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = content.len();
    let manifest = bucket.objects.keys().find(|key| key.matches('/').count() == 2).expect("the manifest").clone();
    let text = bucket.objects.get_mut(&manifest).expect("the manifest");
    let mut set: Value = serde_json::from_slice(text).expect("JSON");
    for (size, hash) in [("bytes", "sha256"), ("content_bytes", "content_sha256")] {
        set[part][name][size] = bytes.into();
        set[part][name][hash] = sum.clone().into();
    }
    *text = serde_json::to_vec(&set).expect("JSON");
}

/// Sends the process a signal by its name, as an operator would.
pub(crate) fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}
