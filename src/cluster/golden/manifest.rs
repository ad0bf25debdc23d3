//! The golden Pod's manifest: hardened as the Job of a refresh is, with the sandbox's credentials mounted and no others.
use super::{CONTAINER, LABEL, NAME};
use crate::cluster::job::{bounded_job, client_pod, confined, escaped};
use crate::cluster::size;
use crate::golden::ROOT;
use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// All that makes the Pod; two that are made of the same are the same.
pub struct GoldenPod<'a> {
    pub namespace: &'a str,
    pub image: &'a str,
    /// The sandbox's Secret: mounted, so that credentials that rotate are picked up.
    pub secret: &'a str,
    pub claim: &'a str,
    /// What the container does until it is given work.
    pub idle: &'a str,
    /// The settings that scripts need; nothing secret.
    pub env: Vec<(String, String)>,
}

impl GoldenPod<'_> {
    /// Of all that is in it, short enough for a label.
    pub(super) fn hash(&self) -> String {
        Sha256::digest(self.pod("Always").to_string()).iter().take(10).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn deployment(&self) -> Result<Deployment> {
        let labels = json!({"app": NAME, "app.kubernetes.io/managed-by": "sandbox-lifecycle", LABEL: self.hash()});
        let manifest = json!({
            "metadata": {
                "namespace": self.namespace, "name": NAME,
                "labels": {"app.kubernetes.io/managed-by": "sandbox-lifecycle"},
            },
            "spec": {
                "replicas": 1,
                // The volume may be for one node at a time.
                "strategy": {"type": "Recreate"},
                "revisionHistoryLimit": 0,
                "selector": {"matchLabels": {"app": NAME}},
                "template": {"metadata": {"labels": labels}, "spec": self.pod("Always")},
            },
        });
        serde_json::from_value(manifest).context("the golden Deployment's manifest")
    }

    pub(super) fn job(&self, name: &str, run: &str, lease: &str) -> Result<Job> {
        bounded_job((self.namespace, name), run, lease, &self.pod("Never"))
    }

    fn pod(&self, restart: &str) -> Value {
        let mut pod = client_pod(restart);
        // A volume with many files is not gone through at each start.
        pod["securityContext"]["fsGroupChangePolicy"] = json!("OnRootMismatch");
        pod["volumes"] = json!([
            {"name": "work", "emptyDir": {}},
            {"name": "golden", "persistentVolumeClaim": {"claimName": self.claim}},
            {"name": "credentials", "secret": {"secretName": self.secret, "defaultMode": 0o440}},
        ]);
        pod["containers"] = json!([self.container()]);
        pod
    }

    fn container(&self) -> Value {
        let env = self.env.iter().map(|(name, value)| json!({"name": name, "value": escaped(value)}));
        json!({
            "name": CONTAINER,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", escaped(self.idle)],
            "env": env.collect::<Vec<_>>(),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": confined(),
            "resources": size::GOLDEN.resources(),
            "volumeMounts": [
                {"name": "work", "mountPath": "/work"},
                {"name": "golden", "mountPath": ROOT},
                {"name": "credentials", "mountPath": "/credentials", "readOnly": true},
            ],
        })
    }
}
