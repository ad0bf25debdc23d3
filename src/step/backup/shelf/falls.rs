//! What is to be removed: sets that no rule keeps, and what runs that were killed have left.
use super::Shelf;
use crate::backup::Part;
use crate::retention::Policy;
use crate::storage::{Object, Unfinished};
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

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

impl Falls {
    /// Lets this set stay.
    pub fn spare(&mut self, id: &str) {
        self.sets.retain(|set| set != id);
        self.keys.retain(|key| !key.contains(id));
    }
}

impl Shelf {
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
