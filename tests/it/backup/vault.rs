//! A lab with a bucket, and the Secret that leads to it.

use base64::Engine;
use serde_json::{Value, json};

use crate::support::s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};

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
        let (lab, s3) = (Sandbox::new().await, S3::start().await);
        lab.create("secrets", secret(&s3));
        Self { lab, s3 }
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.lab.command(arguments);
        command.env("SANDBOX_LIFECYCLE_S3_SECRET", SECRET);
        finish(command.spawn().expect("the binary starts")).await
    }

    /// From now on the Secret has this key.
    pub(crate) async fn with_key(&self, key: &str) -> String {
        self.lab.change("secrets", SANDBOX, SECRET, |secret| secret["data"]["secret_key"] = encode(key).into());
        key.to_owned()
    }
}
