//! A lab with a bucket, and the Secret that leads to it.

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::documents::{populate, tree};
use crate::support::s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};
use crate::support::sandbox::{PROD, Ran, SANDBOX, Sandbox, finish};

pub(crate) struct Vault {
    pub(crate) lab: Sandbox,
    pub(crate) s3: S3,
}

fn encode(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The Secret's name.
pub(crate) const SECRET: &str = "bucket-key";

/// The Secret that leads to this bucket.
pub(crate) fn secret(s3: &S3) -> Value {
    json!({
        "metadata": {"name": SECRET, "namespace": SANDBOX},
        "type": "Opaque",
        "data": {
            "access_key": encode(ACCESS_KEY), "secret_key": encode(SECRET_KEY),
            "endpoint": encode(&s3.endpoint()), "bucket": encode(BUCKET),
        },
    })
}

impl Vault {
    pub(crate) async fn new() -> Self {
        Self::of(Sandbox::new().await).await
    }

    /// With documents in production, and others in the sandbox.
    pub(crate) async fn of(lab: Sandbox) -> Self {
        let s3 = S3::start().await;
        populate(&lab.documents(PROD), 1_000);
        std::fs::create_dir_all(lab.documents(SANDBOX).join("mycompany/stale")).expect("a directory");
        std::fs::write(lab.documents(SANDBOX).join("mycompany/stale/old.pdf"), "old").expect("a file");
        lab.create("secrets", secret(&s3));
        Self { lab, s3 }
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.lab.command(arguments);
        command.env("SANDBOX_LIFECYCLE_S3_SECRET", SECRET);
        finish(command.spawn().expect("the binary starts")).await
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
