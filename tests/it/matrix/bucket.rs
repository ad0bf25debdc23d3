//! The bucket of a backup that is played, and what is true of it after every case.

use crate::backup::vault::secret;
use crate::support::s3::{S3, SECRET_KEY};
use crate::support::sandbox::{Ran, Sandbox};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Where the manifests of production's sets are.
const SETS: &str = "sandbox-lifecycle/prod/";

pub(super) struct Vault {
    s3: S3,
    /// What lies there before each case, by key.
    former: BTreeMap<String, Vec<u8>>,
}

impl Vault {
    pub(super) async fn new(lab: &Sandbox) -> Self {
        let s3 = S3::start().await;
        lab.create("secrets", secret(&s3));
        Self { s3, former: BTreeMap::new() }
    }

    /// What lies there now is what lies there before each case.
    pub(super) fn keep(&mut self) {
        self.former = self.s3.bucket().objects.clone();
    }

    pub(super) fn put_back(&self) {
        let mut bucket = self.s3.bucket();
        bucket.objects.clone_from(&self.former);
        bucket.uploads.clear();
        bucket.seen.clear();
    }

    /// Every set that is there is whole, and at least one is. One that is `done` is there, and the former one has fallen; one
    /// that failed has taken its parts back.
    ///
    /// # Errors
    /// What is not so.
    pub(super) fn judge(&self, ran: &Ran, done: bool, reads_only: bool) -> Result<(), String> {
        let bucket = self.s3.bucket();
        if ran.stdout.contains(SECRET_KEY) || ran.stderr.contains(SECRET_KEY) {
            return Err("the bucket's key is told".to_owned());
        }
        if reads_only {
            return ensure(bucket.objects == self.former, "the bucket was changed");
        }
        let sets: Vec<&String> = bucket.objects.keys().filter(|key| is_manifest(key)).collect();
        for key in &sets {
            whole(&bucket.objects, key)?;
        }
        ensure(!sets.is_empty(), "there is no set any more")?;
        let former = sets.iter().any(|key| self.former.contains_key(*key));
        ensure(!done || (sets.len() == 1 && !former), &format!("said to be done, and there are {sets:?}"))?;
        ensure(ran.code != 1 || bucket.uploads.is_empty(), "parts of an upload are left")
    }
}

fn ensure(is_so: bool, else_what: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(else_what.to_owned()) }
}

fn is_manifest(key: &str) -> bool {
    let name = key.strip_prefix(SETS).unwrap_or("/");
    !name.contains('/') && name.ends_with(".json") && !name.ends_with(".read.json") && !name.ends_with(".restored.json")
}

/// All that the manifest names is there, byte for byte.
fn whole(objects: &BTreeMap<String, Vec<u8>>, key: &str) -> Result<(), String> {
    let manifest: Value = serde_json::from_slice(&objects[key]).map_err(|why| format!("{key}: {why}"))?;
    for named in [&manifest["database"]["dump"], &manifest["database"]["extras"], &manifest["documents"]["tar"]] {
        let object = named["key"].as_str().and_then(|key| objects.get(key));
        let object = object.ok_or_else(|| format!("{key} names {named}, which is not there"))?;
        let sum: String = Sha256::digest(object).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure(
            named["bytes"] == object.len() && named["sha256"] == sum,
            &format!("{key} names {named}, which is another"),
        )?;
    }
    Ok(())
}
