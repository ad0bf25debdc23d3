//! The golden Pod's manifest: hardened as the Job of a refresh is, with the sandbox's credentials mounted and no others.
use super::{CONTAINER, LABEL, NAME};
use crate::cluster::job::{escaped, labels, owned_by_lease};
use crate::golden::ROOT;
use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The `postgres` user of the official image; any id works for a client.
const USER: u32 = 999;
/// Seconds after which the cluster ends the Job whatever the tool does.
const DEADLINE_SECONDS: u32 = 2 * 60 * 60;
/// Seconds after its end at which the cluster deletes the Job of a tool that was killed.
const KEEP_SECONDS: u32 = 10 * 60;
/// It ends at once on TERM; the rest is for what still runs in it.
const GRACE_SECONDS: u32 = 2;

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
        let labels = labels(run);
        let manifest = json!({
            "metadata": {
                "namespace": self.namespace, "name": name, "labels": labels, "ownerReferences": owned_by_lease(lease),
            },
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": DEADLINE_SECONDS,
                "ttlSecondsAfterFinished": KEEP_SECONDS,
                "template": {"metadata": {"labels": labels}, "spec": self.pod("Never")},
            },
        });
        serde_json::from_value(manifest).context("the golden Job's manifest")
    }

    fn pod(&self, restart: &str) -> Value {
        json!({
            "restartPolicy": restart,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                // A volume with many files is not gone through at each start.
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [
                {"name": "work", "emptyDir": {}},
                {"name": "golden", "persistentVolumeClaim": {"claimName": self.claim}},
                {"name": "credentials", "secret": {"secretName": self.secret, "defaultMode": 0o440}},
            ],
            "containers": [self.container()],
        })
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
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
            "resources": {
                "requests": {"cpu": "10m", "memory": "32Mi"},
                "limits": {"cpu": "2", "memory": "1Gi"},
            },
            "volumeMounts": [
                {"name": "work", "mountPath": "/work"},
                {"name": "golden", "mountPath": ROOT},
                {"name": "credentials", "mountPath": "/credentials", "readOnly": true},
            ],
        })
    }
}
