//! Argo CD's word that the cluster is as Git says, once it acts again.
use super::{Cluster, Object, Operation};
use crate::cluster::watch::found_in;
use anyhow::{Context, Result};
use kube::runtime::watcher;
use serde_json::Value;
use std::time::Duration;

impl Cluster {
    /// Waits by watch until Argo CD finds the Application `Synced` and has no operation on it: a re-armed one is compared at
    /// once. What Argo CD says instead, when it does not within `limit`.
    ///
    /// # Errors
    /// The Application is gone, or may not be watched.
    pub async fn synced(&self, namespace: &str, name: &str, limit: Duration) -> Result<Option<String>> {
        let what = format!("waiting for Application {namespace}/{name} to be Synced");
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut said = "nothing".to_owned();
        let synced = found_in(self.applications(namespace), config, &what, |found| {
            let object = found.get(name).with_context(|| format!("Application {namespace}/{name} was deleted"))?;
            said = object.says();
            Ok((object.sync() == Some("Synced") && object.operation() == Operation::None).then_some(()))
        });
        let in_time = tokio::time::timeout(limit, synced).await;
        match in_time {
            Ok(synced) => synced.map(|()| None),
            Err(_) => Ok(Some(said)),
        }
    }
}

impl Object {
    /// The comparison's result, and what keeps the Application from being as Git says.
    fn says(&self) -> String {
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let mut words = vec![self.sync().unwrap_or("no status yet").to_owned()];
        let conditions = self.status.pointer("/conditions").and_then(Value::as_array);
        words.extend(
            conditions.into_iter().flatten().filter_map(|condition| {
                Some(format!("{}: {}", text(condition, "/type")?, text(condition, "/message")?))
            }),
        );
        if self.operation() != Operation::None {
            let message = text(&self.status, "/operationState/message").unwrap_or_default();
            words.push(format!("an operation is in flight: {message}"));
        }
        words.join("; ")
    }
}
