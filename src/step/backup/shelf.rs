//! The sets in the bucket: which there are, what keeps each, and the removal of those that nothing keeps.
mod falls;

use crate::backup::manifest::{FORMAT, Manifest};
use crate::backup::{Part, begun};
use crate::cluster::Cluster;
use crate::cluster::failure::{Refusal, refusal};
use crate::record;
use crate::retention::{Policy, Proof, Set, Verdict, decide};
use crate::settings::Settings;
use crate::storage::{Access, Object, Storage};
use anyhow::{Context, Result, anyhow, bail, ensure};
pub use falls::{Falls, LIFECYCLE_RULE};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
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
    /// Other databases that have sets there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
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
        let secret = cluster.texts(namespace, name).await.map_err(|error| match refusal(&error) {
            Some(Refusal::NotFound) => anyhow!("{error:#} (see --s3-secret and --s3-secret-namespace)"),
            _ => error,
        })?;
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
            let Some(manifest) = self.manifest_unless_gone(id).await? else { return Ok(None) };
            let (read_back_at, restored_at) = (noted(parts, Part::Read), noted(parts, Part::Restored));
            let (verdict, beside) = (Verdict::default(), Vec::new());
            Ok::<_, anyhow::Error>(Some(Stored { manifest, read_back_at, restored_at, verdict, beside }))
        });
        let read: Vec<_> = read.collect();
        let sets: Vec<Option<Stored>> = futures::stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        let mut sets: Vec<Stored> = sets.into_iter().flatten().collect();
        sets.sort_by(|a, b| (b.manifest.begun_at, &b.manifest.id).cmp(&(a.manifest.begun_at, &a.manifest.id)));
        judge(&mut sets, policy, now);
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

    /// `None` for a set that another prune has removed since it was listed.
    async fn manifest_unless_gone(&self, id: &str) -> Result<Option<Manifest>> {
        match self.manifest(id).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) => match self.storage.has(&self.key(Part::Manifest, id, false)).await {
                Ok(false) => Ok(None),
                _ => Err(error),
            },
        }
    }

    async fn manifest(&self, id: &str) -> Result<Manifest> {
        let key = self.key(Part::Manifest, id, false);
        let text = self.storage.read(&key, LONGEST_MANIFEST).await?;
        let manifest: Manifest =
            serde_json::from_slice(&text).with_context(|| format!("cannot read the manifest {key}"))?;
        ensure!(manifest.format == FORMAT, "the manifest {key} is of a newer version of sandbox-lifecycle");
        let side = self.base.rsplit('/').next().unwrap_or_default();
        ensure!(manifest.environment == side, "the manifest {key} is of {}, not of {side}", manifest.environment);
        let at = record::to_the_second(manifest.begun_at);
        ensure!(manifest.id == id && begun(id) == Some(at), "the manifest {key} is of another set");
        Ok(manifest)
    }

    /// The set that `wanted` names or begins the name of; without it the newest.
    ///
    /// # Errors
    /// None is of this name, or several are.
    pub async fn find(&self, wanted: Option<&str>, policy: Policy) -> Result<Stored> {
        let mut sets = self.sets(policy, Timestamp::now()).await?;
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
}

/// Each database's sets by themselves: two productions under one prefix leave each other theirs.
fn judge(sets: &mut [Stored], policy: Policy, now: Timestamp) {
    let mut by_origin: BTreeMap<String, Vec<&mut Stored>> = BTreeMap::new();
    for set in sets {
        by_origin.entry(set.manifest.origin()).or_default().push(set);
    }
    let origins: Vec<String> = by_origin.keys().cloned().collect();
    for (origin, sets) in by_origin {
        let times: Vec<Set> = sets.iter().map(|set| Set { at: set.manifest.begun_at, proof: set.proof() }).collect();
        for (set, verdict) in sets.into_iter().zip(decide(&times, policy, now)) {
            set.verdict = verdict;
            set.beside = origins.iter().filter(|other| **other != origin).cloned().collect();
        }
    }
}
