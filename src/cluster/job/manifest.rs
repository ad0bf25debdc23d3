//! The Job's manifest: hardened, bounded in time, nothing secret in it.
use super::hardened::{bounded_job, client_pod, confined, escaped};
use crate::cluster::size;
use anyhow::Result;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};

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

impl RefreshJob<'_> {
    /// # Errors
    /// A bug: the manifest does not fit the Job's type.
    pub(super) fn manifest(&self) -> Result<Job> {
        let mut pod = client_pod("Never");
        pod["volumes"] = json!([{"name": "work", "emptyDir": {}}]);
        pod["initContainers"] = json!([self.container(&self.dump)]);
        pod["containers"] = json!([self.container(&self.restore)]);
        bounded_job((self.namespace, self.name), self.run, self.lease, &pod)
    }

    fn container(&self, container: &Container<'_>) -> Value {
        json!({
            "name": container.name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", escaped(container.script)],
            "env": container.env.iter().map(variable).collect::<Vec<_>>(),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": confined(),
            "resources": size::JOB.resources(),
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
