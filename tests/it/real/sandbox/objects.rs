//! What the world consists of, and how it goes away again.

use super::super::kubectl::Kubectl;
use super::super::server;
use super::NAMESPACES;
use crate::support::postgres::{PRODUCTION, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, SANDBOX};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// On everything that lies in no namespace, and on the namespaces.
const OURS: &str = "sandbox-lifecycle-e2e=made";
const CAPACITY: &str = "5Gi";
/// The volume of the checkpoints, and its directory.
const GOLDEN: &str = "sandbox-lifecycle-e2e-golden";
const CRD: &str = "applications.argoproj.io";
/// Argo CD's own, where it is at hand.
const REAL_CRD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/argocd-application-crd.yaml");

/// A cluster in which such namespaces stand already is somebody's.
pub(super) fn refuse_what_is_not_ours(kubectl: &Kubectl) {
    let all = kubectl.get("default", &["namespaces"]);
    for namespace in all["items"].as_array().into_iter().flatten() {
        let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
        let ours = namespace["metadata"]["labels"]["sandbox-lifecycle-e2e"] == "made";
        assert!(
            ours || !NAMESPACES.contains(&name),
            "E2E_KUBECONFIG names a cluster with a namespace {name}: not one to use up"
        );
    }
}

/// Deletes all of it, and waits; in the words of kubectl if that fails, never by a panic.
pub(super) fn take_away(kubectl: &Kubectl) {
    // The Pods at once, and what would make new ones: the node's own way of ending them takes longer than most tests.
    let pods = NAMESPACES.map(|namespace| {
        ["-n", namespace, "delete", "deployments,replicasets,jobs,pods", "--all", "--force", "--grace-period=0"]
    });
    pods.iter().for_each(|deletion| try_to(kubectl, deletion));
    // The Application before its kind.
    try_to(kubectl, &["delete", "namespace", "-l", OURS, "--timeout=120s"]);
    try_to(kubectl, &["delete", "persistentvolume,customresourcedefinition", "-l", OURS, "--timeout=120s"]);
}

fn try_to(kubectl: &Kubectl, deletion: &[&str]) {
    if let Err(error) = kubectl.try_run(deletion) {
        // Beside libtest's own capture, which is gone by then.
        let _ = writeln!(std::io::stderr(), "kubectl {}: {error}", deletion.join(" "));
    }
}

pub(super) fn furnish(kubectl: &Kubectl, image: &str) {
    let label = json!({"sandbox-lifecycle-e2e": "made"});
    let namespace =
        |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}});
    kubectl.put("create", &NAMESPACES.map(namespace));
    kubectl.put("create", &server::objects(image));
    if kubectl.try_run(&["get", "customresourcedefinition", CRD]).is_err() {
        make_crd(kubectl);
    }
    for namespace in [PROD, SANDBOX] {
        kubectl.put("create", &volume(namespace));
    }
    kubectl.put("create", &[golden_volume()]);
    kubectl.put("create", &applications(image));
}

fn make_crd(kubectl: &Kubectl) {
    // `create`: it is too large for the annotation of `apply`.
    match Path::new(REAL_CRD).exists() {
        true => kubectl.run(&["create", "-f", REAL_CRD]),
        false => kubectl.feed(&["create", "-f", "-"], &rough_crd().to_string()),
    };
    kubectl.run(&["label", "customresourcedefinition", CRD, OURS]);
    kubectl.run(&["wait", "--for=condition=Established", "customresourcedefinition", CRD, "--timeout=60s"]);
}

/// Takes everything: what a test needs where the real one is not at hand.
fn rough_crd() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": CRD},
        "spec": {
            "group": "argoproj.io", "scope": "Namespaced",
            "names": {"kind": "Application", "listKind": "ApplicationList", "plural": "applications", "singular": "application"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

/// What a test may have changed: Secrets, Deployments, the Application. To replace them takes away what was added, too.
pub(super) fn refurnish(kubectl: &Kubectl, image: &str) {
    kubectl.put("replace", &applications(image));
}

fn applications(image: &str) -> [Value; 5] {
    let secret = |namespace: &str, user: &str, password: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": namespace, "name": "vso-db-credentials"},
            "stringData": {"username": user, "password": password},
        })
    };
    [
        secret(PROD, PRODUCTION.user, PRODUCTION.password),
        secret(SANDBOX, ACCESS.user, ACCESS.password),
        deployment(PROD, image),
        deployment(SANDBOX, image),
        application(),
    ]
}

/// A directory of the node: the documents outlive a Pod, and no storage class is needed.
fn volume(namespace: &str) -> [Value; 2] {
    let name = format!("sandbox-lifecycle-e2e-{namespace}");
    let storage = json!({"storage": CAPACITY});
    let volume = directory(&name, namespace, "documents");
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": namespace, "name": "documents"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": name,
            "resources": {"requests": storage},
        },
    });
    [volume, claim]
}

/// For the claim that the tool makes itself.
fn golden_volume() -> Value {
    directory(GOLDEN, SANDBOX, "sandbox-golden")
}

fn directory(name: &str, namespace: &str, claim: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {"sandbox-lifecycle-e2e": "made"}},
        "spec": {
            "capacity": {"storage": CAPACITY}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": claim},
            "hostPath": directory_of_the_node(name),
        },
    })
}

fn directory_of_the_node(name: &str) -> Value {
    json!({"path": format!("/tmp/{name}"), "type": "DirectoryOrCreate"})
}

fn deployment(name: &str, image: &str) -> Value {
    // As process 1, a shell without a handler would ignore TERM and hold the Pod for its grace period.
    // The kubelet gives a hostPath to no fsGroup: whoever is root there lets the tool's Pod write.
    let script = "trap 'exit 0' TERM; chmod 1777 /golden; : >/tmp/up; while :; do sleep 3600 & wait $!; done";
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": name, "name": name},
        "spec": {
            "replicas": super::REPLICAS,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 5,
                    "containers": [{
                        "name": "app", "image": image, "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", script],
                        "readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1},
                        "volumeMounts": [
                            {"name": "documents", "mountPath": "/var/www/documents"},
                            {"name": "golden", "mountPath": "/golden"},
                        ],
                    }],
                    "volumes": [
                        {"name": "documents", "persistentVolumeClaim": {"claimName": "documents"}},
                        {"name": "golden", "hostPath": directory_of_the_node(GOLDEN)},
                    ],
                },
            },
        },
    })
}

/// Armed, with a key that the tool does not know: put back exactly means with it.
fn application() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"namespace": "argocd", "name": SANDBOX},
        "spec": {
            "project": "default",
            "destination": {"namespace": SANDBOX, "server": "https://kubernetes.default.svc"},
            "source": {"repoURL": "https://git.example/erp.git", "path": "sandbox", "targetRevision": "HEAD"},
            "syncPolicy": {
                "automated": {"prune": true, "selfHeal": true, "allowEmpty": false},
                "syncOptions": ["CreateNamespace=false"],
            },
        },
    })
}
