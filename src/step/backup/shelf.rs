//! The sets in the bucket: which there are, what keeps each, and the removal of those that nothing keeps.
use crate::backup::manifest::{FORMAT, Manifest};
use crate::backup::{Part, begun};
use crate::cluster::Cluster;
use crate::record;
use crate::retention::{Policy, Proof, Set, Verdict, decide};
use crate::settings::Settings;
use crate::storage::{Access, Object, Storage, Unfinished};
use anyhow::{Context, Result, anyhow, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One environment's part of the bucket.
pub struct Shelf {
    pub storage: Storage,
    base: String,
}

/// A set that exists.
#[derive(Clone, Debug, Serialize)]
pub struct Stored {
    #[serde(flatten)]
    pub manifest: Manifest,
    /// When it was first read back whole.
    pub read_back_at: Option<Timestamp>,
    /// When it was first restored, and found equal.
    pub restored_at: Option<Timestamp>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Stored {
    /// The most that is known of it.
    pub fn proof(&self) -> Proof {
        match (self.restored_at, self.read_back_at) {
            (Some(_), _) => Proof::Restored,
            (None, Some(_)) => Proof::ReadBack,
            (None, None) => Proof::None,
        }
    }
}

/// What is to be removed.
#[derive(Debug, Default, Serialize)]
pub struct Falls {
    pub sets: Vec<String>,
    /// Objects of sets that never came to be, older than a day.
    pub debris: Vec<String>,
    /// Keys to which an upload was begun more than a day ago and never finished.
    pub uploads: Vec<String>,
    /// Why that is not known, and what the bucket needs then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<String>,
    #[serde(skip)]
    unfinished: Vec<Unfinished>,
    /// All keys, in the order of their removal: a set's manifest first, so that no half of one is ever a set.
    #[serde(skip)]
    keys: Vec<String>,
}

/// A backup that is still being made is not debris.
const DEBRIS_AGE: SignedDuration = SignedDuration::from_hours(24);
/// What keeps the parts of uploads that nobody finishes from staying for ever, whatever the tool can do about them.
pub const LIFECYCLE_RULE: &str = "give the bucket a lifecycle rule that aborts incomplete multipart uploads after some days (AbortIncompleteMultipartUpload)";
/// Manifests that are read at the same time.
const AT_ONCE: usize = 8;
/// A manifest has a line for each table.
const LONGEST_MANIFEST: u64 = 16 << 20;

impl Shelf {
    /// `PREFIX/ENV`
    pub fn base(settings: &Settings) -> String {
        format!("{}/{}", settings.backups.prefix, settings.wanted.side.name())
    }

    /// # Errors
    /// The settings name no bucket; the Secret is not there, forbidden, or lacks a key.
    pub async fn open(settings: &Settings, cluster: &Cluster) -> Result<Self> {
        Self::with(settings, cluster, true).await
    }

    /// As [`Shelf::open`], for a look alone: a store that does not answer is not asked for long.
    ///
    /// # Errors
    /// As [`Shelf::open`].
    pub async fn glimpse(settings: &Settings, cluster: &Cluster) -> Result<Self> {
        Self::with(settings, cluster, false).await
    }

    async fn with(settings: &Settings, cluster: &Cluster, persists: bool) -> Result<Self> {
        let backups = &settings.backups;
        let namespace = backups.secret_namespace.as_ref().unwrap_or(&settings.sandbox.namespace);
        let name = backups.secret.as_ref().context("a bug: no Secret of a bucket is named")?;
        let secret = cluster.texts(namespace, name).await?;
        let needed = |key: &str| secret.get(key).ok_or_else(|| anyhow!("Secret {namespace}/{name} has no key {key}"));
        let bucket = backups.bucket.clone().or_else(|| secret.get("bucket"));
        let access = Access {
            endpoint: backups.endpoint.clone().or_else(|| secret.get("endpoint")),
            bucket: bucket.ok_or_else(|| anyhow!("Secret {namespace}/{name} has no key bucket: give --s3-bucket"))?,
            region: backups.region.clone().or_else(|| secret.get("region")).unwrap_or_else(|| "us-east-1".to_owned()),
            access_key: needed("access_key")?,
            secret_key: needed("secret_key")?,
            ca: secret.get("ca"),
            checksum: backups.checksum,
            persists,
            patience: Duration::from_secs(backups.patience.into()),
        };
        Ok(Self { storage: Storage::open(access)?, base: Self::base(settings) })
    }

    /// For people: bucket and prefix.
    pub fn place(&self) -> String {
        self.storage.place(&self.base)
    }

    pub fn key(&self, part: Part, id: &str, encrypted: bool) -> String {
        format!("{}/{}", self.base, part.key(id, encrypted))
    }

    /// All that lies there, and is a part of a set.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub async fn objects(&self) -> Result<Vec<Object>> {
        let prefix = format!("{}/", self.base);
        let mut objects = self.storage.list(&prefix).await?;
        objects.retain(|object| object.key.strip_prefix(&prefix).and_then(Part::of).is_some());
        Ok(objects)
    }

    /// The sets that exist by their names, the newest first.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub async fn names(&self) -> Result<Vec<String>> {
        let objects = self.objects().await?;
        let parts = self.by_id(&objects).into_iter().rev();
        let exist = parts.filter(|(_, parts)| parts.iter().any(|(part, _)| *part == Part::Manifest));
        Ok(exist.map(|(id, _)| id.to_owned()).collect())
    }

    /// The sets that exist, the newest first, and what becomes of each.
    ///
    /// # Errors
    /// As [`Storage::list`]; a manifest is damaged or of a newer version.
    pub async fn sets(&self, policy: Policy, now: Timestamp) -> Result<Vec<Stored>> {
        self.sets_of(&self.objects().await?, policy, now).await
    }

    async fn sets_of(&self, objects: &[Object], policy: Policy, now: Timestamp) -> Result<Vec<Stored>> {
        let parts = self.by_id(objects);
        let ids = parts.iter().filter(|(_, parts)| parts.iter().any(|(part, _)| *part == Part::Manifest));
        let noted = |parts: &[(Part, &Object)], wanted| {
            parts.iter().find(|(part, _)| *part == wanted).map(|(_, object)| object.modified)
        };
        let read = ids.map(|(id, parts)| async move {
            let manifest = self.manifest(id).await?;
            let (read_back_at, restored_at) = (noted(parts, Part::Read), noted(parts, Part::Restored));
            Ok::<_, anyhow::Error>(Stored { manifest, read_back_at, restored_at, verdict: Verdict::default() })
        });
        let read: Vec<_> = read.collect();
        let mut sets: Vec<Stored> = futures::stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        sets.reverse();
        let times: Vec<Set> = sets.iter().map(|set| Set { at: set.manifest.begun_at, proof: set.proof() }).collect();
        for (set, verdict) in sets.iter_mut().zip(decide(&times, policy, now)) {
            set.verdict = verdict;
        }
        Ok(sets)
    }

    fn by_id<'a>(&self, objects: &'a [Object]) -> BTreeMap<&'a str, Vec<(Part, &'a Object)>> {
        let mut parts: BTreeMap<&str, Vec<(Part, &Object)>> = BTreeMap::new();
        for object in objects {
            let key = object.key.strip_prefix(&self.base).and_then(|key| key.strip_prefix('/'));
            if let Some((part, id)) = key.and_then(Part::of) {
                parts.entry(id).or_default().push((part, object));
            }
        }
        parts
    }

    async fn manifest(&self, id: &str) -> Result<Manifest> {
        let key = self.key(Part::Manifest, id, false);
        let text = self.storage.read(&key, LONGEST_MANIFEST).await?;
        let manifest: Manifest =
            serde_json::from_slice(&text).with_context(|| format!("cannot read the manifest {key}"))?;
        ensure!(manifest.format == FORMAT, "the manifest {key} is of a newer version of sandbox-lifecycle");
        let side = self.base.rsplit('/').next().unwrap_or_default();
        ensure!(manifest.environment == side, "the manifest {key} is of {}, not of {side}", manifest.environment);
        ensure!(manifest.id == id && begun(id) == Some(manifest.begun_at), "the manifest {key} is of another set");
        Ok(manifest)
    }

    /// The set that `wanted` names or begins the name of; without it the newest.
    ///
    /// # Errors
    /// None is of this name, or several are.
    pub async fn find(&self, wanted: Option<&str>, policy: Policy) -> Result<Stored> {
        let mut sets = self.sets(policy, record::now()).await?;
        if let Some(wanted) = wanted {
            sets.retain(|set| set.manifest.id.starts_with(wanted));
            if sets.len() > 1 {
                let names: Vec<&str> = sets.iter().map(|set| set.manifest.id.as_str()).collect();
                bail!("{wanted} may be any of {}: say more of it", names.join(", "));
            }
        }
        let of = wanted.map_or(String::new(), |wanted| format!(" named {wanted}"));
        sets.into_iter().next().with_context(|| format!("there is no set{of} in {}", self.base))
    }

    /// Its place, when it is written.
    ///
    /// # Errors
    /// As [`Storage::write`].
    pub async fn write_manifest(&self, manifest: &Manifest) -> Result<String> {
        let key = self.key(Part::Manifest, &manifest.id, false);
        self.storage.write(&key, serde_json::to_vec_pretty(manifest)?).await?;
        Ok(key)
    }

    /// # Errors
    /// As [`Shelf::sets`].
    pub async fn falls(&self, policy: Policy, now: Timestamp) -> Result<Falls> {
        let objects = self.objects().await?;
        let sets = self.sets_of(&objects, policy, now).await?;
        let mut falls = Falls::default();
        for (id, mut parts) in self.by_id(&objects) {
            let set = sets.iter().find(|set| set.manifest.id == id);
            let keys =
                |parts: &[(Part, &Object)]| parts.iter().map(|(_, object)| object.key.clone()).collect::<Vec<_>>();
            match set {
                Some(set) if set.verdict.stays() => {}
                Some(_) => {
                    parts.sort_by_key(|(part, _)| *part != Part::Manifest);
                    falls.sets.push(id.to_owned());
                    falls.keys.extend(keys(&parts));
                }
                None => {
                    parts.retain(|(_, object)| now.duration_since(object.modified) > DEBRIS_AGE);
                    falls.debris.extend(keys(&parts));
                    falls.keys.extend(keys(&parts));
                }
            }
        }
        self.uploads_that_fall(&mut falls, now).await;
        Ok(falls)
    }

    /// What a run that was killed has left. A store that does not tell of uploads is no reason to keep sets.
    async fn uploads_that_fall(&self, falls: &mut Falls, now: Timestamp) {
        let prefix = format!("{}/", self.base);
        let mut found = match self.storage.unfinished(&prefix).await {
            Ok(found) => found,
            Err(error) => {
                falls.unlisted = Some(format!("{error:#}; {LIFECYCLE_RULE}"));
                return;
            }
        };
        found.retain(|upload| {
            let ours = upload.key.strip_prefix(&prefix).and_then(Part::of).is_some();
            ours && now.duration_since(upload.begun) > DEBRIS_AGE
        });
        falls.uploads = found.iter().map(|upload| upload.key.clone()).collect();
        falls.unfinished = found;
    }

    /// # Errors
    /// The store refuses a deletion; what went before it is gone.
    pub async fn remove(&self, falls: &Falls) -> Result<()> {
        for key in &falls.keys {
            self.storage.delete(key).await?;
        }
        for upload in &falls.unfinished {
            self.storage.abort(upload).await?;
        }
        Ok(())
    }
}
