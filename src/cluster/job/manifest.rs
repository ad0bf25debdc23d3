//! The Job's manifest: hardened, bounded in time, nothing secret in it.
use super::RUN_LABEL;
use crate::cluster::lease::NAME;
use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The `postgres` user of the official image; any id works for a client.
const USER: u32 = 999;
/// Seconds after which the cluster ends the Job whatever the tool does.
const DEADLINE_SECONDS: u32 = 2 * 60 * 60;
/// Seconds after its end at which the cluster deletes the Job of a tool that was killed.
const KEEP_SECONDS: u32 = 10 * 60;
/// The scripts end at once on TERM; the rest is for psql's rollback.
const GRACE_SECONDS: u32 = 2;

/// One environment variable of a container.
pub enum Env<'a> {
    Plain(&'a str, String),
    Secret { name: &'a str, secret: &'a str, key: &'a str },
}

/// One of the two containers.
pub struct Container<'a> {
    pub name: &'a str,
    pub script: &'a str,
    pub env: Vec<Env<'a>>,
}

/// All that makes the Job of one run.
pub struct RefreshJob<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    /// The run's id, on every object made for it.
    pub run: &'a str,
    /// The Lease's uid. The cluster deletes the Job with its Lease, also one whose creation was so late that nobody else would.
    pub lease: &'a str,
    pub image: &'a str,
    /// Reads: has the credentials of the database that is read, and no other's.
    pub dump: Container<'a>,
    /// Works on what was read: has the sandbox's credentials and nothing of production's, or none at all.
    pub restore: Container<'a>,
}

pub(in crate::cluster) fn labels(run: &str) -> BTreeMap<String, String> {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    BTreeMap::from([label("app.kubernetes.io/managed-by", "sandbox-lifecycle"), label(RUN_LABEL, run)])
}

pub(in crate::cluster) fn owned_by_lease(uid: &str) -> Value {
    json!([{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "name": NAME, "uid": uid}])
}

impl RefreshJob<'_> {
    /// # Errors
    /// A bug: the manifest does not fit the Job's type.
    pub(super) fn manifest(&self) -> Result<Job> {
        let labels = labels(self.run);
        let manifest = json!({
            "metadata": {
                "namespace": self.namespace, "name": self.name, "labels": labels,
                "ownerReferences": owned_by_lease(self.lease),
            },
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": DEADLINE_SECONDS,
                "ttlSecondsAfterFinished": KEEP_SECONDS,
                "template": {"metadata": {"labels": labels}, "spec": self.pod()},
            },
        });
        serde_json::from_value(manifest).context("the Job's manifest")
    }

    fn pod(&self) -> Value {
        json!({
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "work", "emptyDir": {}}],
            "initContainers": [self.container(&self.dump)],
            "containers": [self.container(&self.restore)],
        })
    }

    fn container(&self, container: &Container<'_>) -> Value {
        json!({
            "name": container.name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", escaped(container.script)],
            "env": container.env.iter().map(variable).collect::<Vec<_>>(),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"cpu": "2", "memory": "1Gi"},
            },
            "volumeMounts": [{"name": "work", "mountPath": "/work"}],
        })
    }
}

fn variable(env: &Env<'_>) -> Value {
    match env {
        Env::Plain(name, value) => json!({"name": name, "value": escaped(value)}),
        Env::Secret { name, secret, key } => {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
        }
    }
}

/// Kubernetes expands `$(NAME)` in commands and values, and takes `$$` for a dollar.
pub(in crate::cluster) fn escaped(value: &str) -> String {
    value.replace('$', "$$")
}
