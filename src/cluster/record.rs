//! The ConfigMap that holds the sandbox's [`Record`].
use super::failure::{Refusal, refusal};
use super::{Cluster, FIELD_MANAGER};
use crate::record::Record;
use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PostParams};
use std::collections::BTreeMap;

/// Its name: a sandbox has one.
pub const NAME: &str = "sandbox-lifecycle";
/// The key in it, with the record as JSON.
const KEY: &str = "record";
/// Each loses against another writer only.
const ATTEMPTS: usize = 5;

impl Cluster {
    /// The record of the sandbox in this namespace; `None` where no run has ended well yet.
    ///
    /// # Errors
    /// Forbidden; damaged, or written by a newer version in another form.
    pub async fn record(&self, namespace: &str) -> Result<Option<Record>> {
        let found = self.record_map(namespace).await?;
        found.map(|map| read(&map)).transpose()
    }

    /// Changes the record: reads it, and writes it back unless somebody else has done so meanwhile; then once more.
    ///
    /// # Errors
    /// As [`Cluster::record`]; others go on writing it.
    pub async fn update_record(&self, namespace: &str, change: &(dyn Fn(&mut Record) + Sync)) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.try_update(namespace, change).await {
                Err(error) if attempt < ATTEMPTS && refusal(&error) == Some(&Refusal::Conflict) => attempt += 1,
                written => return written,
            }
        }
    }

    async fn try_update(&self, namespace: &str, change: &(dyn Fn(&mut Record) + Sync)) -> Result<()> {
        let maps = self.record_maps(namespace);
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let found = self.record_map(namespace).await?;
        let mut record = found.as_ref().map_or_else(|| Ok(Record::default()), read)?;
        change(&mut record);
        let text = serde_json::to_string_pretty(&record).context("cannot write the record")?;
        match found {
            Some(mut map) => {
                map.data.get_or_insert_default().insert(KEY.to_owned(), text);
                let what = format!("update ConfigMap {namespace}/{NAME}");
                self.call(&what, maps.replace(NAME, &params, &map)).await.map(drop)
            }
            None => {
                let label = ("app.kubernetes.io/managed-by".to_owned(), "sandbox-lifecycle".to_owned());
                let map = ConfigMap {
                    metadata: ObjectMeta {
                        name: Some(NAME.to_owned()),
                        namespace: Some(namespace.to_owned()),
                        labels: Some(BTreeMap::from([label])),
                        ..ObjectMeta::default()
                    },
                    data: Some(BTreeMap::from([(KEY.to_owned(), text)])),
                    ..ConfigMap::default()
                };
                let what = format!("create ConfigMap {namespace}/{NAME}");
                self.call(&what, maps.create(&params, &map)).await.map(drop)
            }
        }
    }

    async fn record_map(&self, namespace: &str) -> Result<Option<ConfigMap>> {
        let what = format!("get ConfigMap {namespace}/{NAME}");
        self.call(&what, self.record_maps(namespace).get_opt(NAME)).await
    }

    fn record_maps(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn read(map: &ConfigMap) -> Result<Record> {
    let namespace = map.metadata.namespace.as_deref().unwrap_or_default();
    let Some(text) = map.data.as_ref().and_then(|data| data.get(KEY)) else {
        return Ok(Record::default());
    };
    serde_json::from_str(text).with_context(|| {
        format!(
            "cannot read the record in ConfigMap {namespace}/{NAME} (written by a newer version?); if it is damaged, delete it: \
             the next run writes a new one"
        )
    })
}
