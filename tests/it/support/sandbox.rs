//! A production and a sandbox as found in life, and the real binary to let loose on them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::api::{self, Api};
use super::container::image;
use super::controllers::Controllers;
use super::kubelet::{Kubelet, Running, RuntimeConfig};
use super::postgres::{self, Checksum, PostgresServer, Production};
use super::store::Store;

/// The sandbox's namespace, Deployment and Application.
pub(crate) const SANDBOX: &str = "erp-sandbox";
/// Production's namespace and Deployment.
pub(crate) const PROD: &str = "erp";
/// The watchdog's image, once it is offered.
pub(crate) const WATCHDOG: &str = "registry.example/sandbox-lifecycle:1";
/// Longer than any run in the lab takes.
const LONG: Duration = Duration::from_secs(120);

/// A whole world; gone with all its processes when dropped.
pub(crate) struct Sandbox {
    pub(crate) store: Store,
    pub(crate) api: Api,
    pub(crate) controllers: Controllers,
    pub(crate) kubelet: Running,
    pub(crate) postgres: PostgresServer,
    pub(crate) dir: TempDir,
}

/// What a run of the binary said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn assert_says(self, words: &str) -> Self {
        let said = self.stderr.contains(words) || self.stdout.contains(words);
        assert!(said, "{words:?} is not said:\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// All that a run may change, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) replicas: Value,
    pub(crate) sync_policy: Value,
    pub(crate) objects: BTreeMap<String, Vec<String>>,
    pub(crate) production: Checksum,
    pub(crate) sandbox: Checksum,
}

impl Sandbox {
    /// The project's own fixture as production.
    pub(crate) async fn new() -> Self {
        Self::with(&Production::Fixture, &[]).await
    }

    /// This production, on a server with these settings.
    pub(crate) async fn with(production: &Production, settings: &[&str]) -> Self {
        let postgres = PostgresServer::with(production, settings);
        let dir = tempfile::Builder::new().prefix("sandbox-lifecycle-lab-").tempdir().expect("a directory");
        let store = Store::new();
        let kubelet = Kubelet::run(store.clone(), RuntimeConfig::new(dir.path().join("node")));
        let api =
            Api::start(store.clone(), kubelet.runtime(), api::Settings::default()).await.expect("a loopback port");
        let controllers = Controllers::run(&store);
        let world = Self { store, api, controllers, kubelet, postgres, dir };
        world.api.write_kubeconfig(&world.kubeconfig(), "default").expect("a kubeconfig");
        world.furnish().await;
        world
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    async fn furnish(&self) {
        for namespace in [PROD, SANDBOX, "argocd"] {
            self.create("namespaces", json!({"metadata": {"name": namespace}}));
        }
        for (namespace, access) in [(PROD, postgres::PRODUCTION), (SANDBOX, postgres::SANDBOX)] {
            self.create("secrets", credentials(namespace, &access));
            let deployment = deployment(namespace);
            self.create("deployments", deployment.clone());
            self.controllers.argo.declare("deployments", deployment);
        }
        self.create("applications", application());
        self.ready(PROD).await;
        self.ready(SANDBOX).await;
    }

    /// An image with the real binary, and what a service account would be in life: a way to the API server.
    pub(crate) fn offer_watchdog(&self) {
        let images = &self.kubelet.config().images;
        let start = "export KUBECONFIG=/usr/bin/lab-kubeconfig; exec /usr/bin/the-binary \"$@\"";
        images.with(WATCHDOG, image::APP, &[("sandbox-lifecycle", start)]);
        images.with_file(WATCHDOG, "/usr/bin/the-binary", Path::new(env!("CARGO_BIN_EXE_sandbox-lifecycle")));
        images.with_file(WATCHDOG, "/usr/bin/lab-kubeconfig", &self.kubeconfig());
        self.create("serviceaccounts", json!({"metadata": {"name": "sandbox-lifecycle", "namespace": SANDBOX}}));
    }

    pub(crate) fn create(&self, resource: &str, object: Value) {
        self.store.create(resource, object).unwrap_or_else(|status| panic!("{resource}: {status:?}"));
    }

    /// Changes an object behind the tool's back.
    pub(crate) fn change(&self, resource: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.store.mutate(resource, namespace, name, change).unwrap_or_else(|status| panic!("{resource}: {status:?}"));
    }

    /// Waits until the Deployment of the namespace has its replicas Ready.
    pub(crate) async fn ready(&self, namespace: &str) {
        self.until(&format!("{namespace} is Ready"), || {
            let deployment = self.store.get("deployments", namespace, namespace).unwrap_or_default();
            deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"]
        })
        .await;
    }

    /// Rolls an environment's Deployment out with another Pod spec, which Git has from now on as well.
    pub(crate) async fn redeploy(&self, namespace: &str, change: impl Fn(&mut Value)) {
        let mut declared = deployment(namespace);
        change(&mut declared["spec"]["template"]["spec"]);
        self.controllers.argo.declare("deployments", declared);
        self.change("deployments", namespace, namespace, |object| change(&mut object["spec"]["template"]["spec"]));
        self.until(&format!("{namespace} is rolled out"), || {
            let object = self.store.get("deployments", namespace, namespace).unwrap_or_default();
            let status = &object["status"];
            let seen = status["observedGeneration"] == object["metadata"]["generation"];
            let counts = ["updatedReplicas", "readyReplicas", "replicas"].map(|field| status[field] == 1);
            seen && counts == [true; 3] && self.store.list("pods", Some(namespace)).len() == 1
        })
        .await;
    }

    /// Waits for the store to change until it is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let mut changes = self.store.subscribe();
        let wait = async {
            while !is_so() {
                // One that lags has missed changes, not the present.
                let _ = changes.recv().await;
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("not within {LONG:?}: {what}"));
    }

    /// The real binary with these arguments, told where this world is.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("KUBECONFIG", self.kubeconfig())
            .env("USER", "tester")
            .env("SANDBOX_LIFECYCLE_PG_HOST", "127.0.0.1")
            .env("SANDBOX_LIFECYCLE_PG_PORT", self.postgres.port().to_string())
            .env("SANDBOX_LIFECYCLE_PG_IMAGE", image::POSTGRES)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        finish(self.command(arguments).spawn().expect("the binary starts")).await
    }

    /// Everything that a run may change.
    pub(crate) fn world(&self) -> World {
        let names = |resource: &str| {
            let objects = self.store.list(resource, Some(SANDBOX));
            objects.iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
        };
        let objects = ["secrets", "jobs", "leases"].into_iter().map(|resource| (resource.to_owned(), names(resource)));
        World {
            replicas: self.store.get("deployments", SANDBOX, SANDBOX).expect("the Deployment")["spec"]["replicas"]
                .clone(),
            sync_policy: self.sync_policy(),
            objects: objects.collect(),
            production: self.postgres.checksum(postgres::PRODUCTION.database),
            sandbox: self.postgres.checksum(postgres::SANDBOX.database),
        }
    }

    pub(crate) fn sync_policy(&self) -> Value {
        self.store.get("applications", "argocd", SANDBOX).expect("the Application")["spec"]["syncPolicy"].clone()
    }

    /// The documents root of an environment's Pod, as the host sees it.
    pub(crate) fn documents(&self, namespace: &str) -> PathBuf {
        self.kubelet.claim(namespace, "documents")
    }
}

/// Waits for the binary's end; one that hangs fails the test.
pub(crate) async fn finish(child: Child) -> Ran {
    let output = tokio::time::timeout(LONG, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("not within {LONG:?}: the binary's end")).expect("its output");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn credentials(namespace: &str, access: &postgres::Access) -> Value {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    json!({
        "metadata": {"name": "vso-db-credentials", "namespace": namespace},
        "type": "Opaque",
        "data": {"username": encode(access.user), "password": encode(access.password)},
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": name, "labels": {"app": name}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 5,
                    "containers": [{
                        "name": "app", "image": image::APP,
                        "volumeMounts": [{"name": "documents", "mountPath": "/var/www/documents"}],
                    }],
                    "volumes": [{"name": "documents", "persistentVolumeClaim": {"claimName": "documents"}}],
                },
            },
        },
    })
}

/// Armed, with a key that the tool does not know: put back exactly means with it.
fn application() -> Value {
    json!({
        "metadata": {"name": SANDBOX, "namespace": "argocd"},
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
