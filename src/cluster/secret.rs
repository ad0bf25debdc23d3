//! Database credentials: read for their keys, copied for one Job, never shown.
use super::Cluster;
use super::failure::{Refusal, refusal};
use anyhow::Result;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, DeleteParams, PostParams};
use std::collections::BTreeMap;

/// The keys a database Secret must have.
pub const KEYS: [&str; 2] = ["username", "password"];

/// A database Secret. `Debug` is not derived, so that no log can show it.
pub struct Credentials {
    data: BTreeMap<String, ByteString>,
    written: Option<Timestamp>,
}

impl Credentials {
    /// The keys of [`KEYS`] that are absent or empty.
    pub fn missing(&self) -> Vec<&'static str> {
        KEYS.into_iter().filter(|key| self.data.get(*key).is_none_or(|value| value.0.is_empty())).collect()
    }

    /// The server that the Secret names, if it does: key `host`.
    pub fn host(&self) -> Option<String> {
        let host = String::from_utf8(self.data.get("host")?.0.clone()).ok()?;
        Some(host.trim().to_owned()).filter(|host| !host.is_empty())
    }

    /// When somebody last wrote it, as far as the API server knows.
    pub fn written(&self) -> Option<Timestamp> {
        self.written
    }

    /// Whether both log in as the same user; a sandbox that has production's is refused.
    pub fn same_user(&self, other: &Self) -> bool {
        self.data.get("username") == other.data.get("username")
    }
}

/// Any other Secret's texts. `Debug` is not derived, so that no log can show them.
pub struct Texts {
    data: BTreeMap<String, ByteString>,
}

impl Texts {
    /// Without white space around it; `None` where it is absent or empty, or no text.
    pub fn get(&self, key: &str) -> Option<String> {
        let text = String::from_utf8(self.data.get(key)?.0.clone()).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

impl Cluster {
    /// # Errors
    /// Not found, or forbidden.
    pub async fn texts(&self, namespace: &str, name: &str) -> Result<Texts> {
        Ok(Texts { data: self.credentials(namespace, name).await?.data })
    }

    /// # Errors
    /// Not found, or forbidden.
    pub async fn credentials(&self, namespace: &str, name: &str) -> Result<Credentials> {
        let what = format!("get Secret {namespace}/{name}");
        let secret = self.call(&what, self.secrets(namespace).get(name)).await?;
        let written = last_written(&secret.metadata);
        Ok(Credentials { data: secret.data.unwrap_or_default(), written })
    }

    /// Copies username and password into a Secret of the Job `owner`, which the cluster deletes with it. Its name carries the
    /// run's id, so one that is there already is this run's own, the answer to whose creation was lost; what is in it
    /// cannot be read (the Role does not allow it), so it is made once more.
    ///
    /// # Errors
    /// Forbidden, refused by an admission webhook or a quota.
    pub async fn copy_credentials(&self, from: &Credentials, owner: &super::job::Owner, name: &str) -> Result<()> {
        let data = from.data.iter().filter(|(key, _)| KEYS.contains(&key.as_str()));
        let secret = Secret {
            metadata: owner.metadata(name),
            data: Some(data.map(|(key, value)| (key.clone(), value.clone())).collect()),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        };
        let what = format!("create Secret {}/{name}", owner.namespace);
        let secrets = self.secrets(&owner.namespace);
        match self.call(&what, secrets.create(&PostParams::default(), &secret)).await {
            Err(error) if refusal(&error) == Some(&Refusal::Conflict) => {
                self.delete_secret(&owner.namespace, name).await?;
                self.call(&what, secrets.create(&PostParams::default(), &secret)).await.map(drop)
            }
            created => created.map(drop),
        }
    }

    /// Deletes it if it is there.
    ///
    /// # Errors
    /// Forbidden, or the API server cannot be reached.
    pub async fn delete_secret(&self, namespace: &str, name: &str) -> Result<()> {
        let what = format!("delete Secret {namespace}/{name}");
        let secrets = self.secrets(namespace);
        super::gone(self.call(&what, secrets.delete(name, &DeleteParams::default())).await)
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn last_written(metadata: &ObjectMeta) -> Option<Timestamp> {
    let writes = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
    writes.chain(&metadata.creation_timestamp).map(|Time(time)| *time).max()
}
