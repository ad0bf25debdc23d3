//! A production and a sandbox in a real cluster, and the real binary to let loose on them.
mod objects;

use super::kubectl::Kubectl;
use super::roles;
use super::self_heal::SelfHeal;
use super::server::{self, Server};
use crate::support::postgres::Production;
use crate::support::readme::{self, Rule};
use crate::support::sandbox::{PROD, SANDBOX, World};
use crate::support::scene::Scene;
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};

/// What the manifest in Git says.
const REPLICAS: i32 = 1;

/// One world for all tests, one after the other: to make one takes longer than most tests do.
static WORLD: Mutex<Option<Furnished>> = Mutex::const_new(None);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Everything that was made in the cluster; taken away again when dropped.
pub(crate) struct Furnished {
    pub(crate) kubectl: Kubectl,
    pub(crate) postgres: Server,
    pub(crate) image: String,
    address: String,
    dir: TempDir,
}

/// The world, while one test has it to itself. The last test out takes it away, also when it fails.
pub(crate) struct RealSandbox {
    world: MutexGuard<'static, Option<Furnished>>,
    pub(crate) self_heal: SelfHeal,
}

impl RealSandbox {
    /// With the project's own fixture as production.
    pub(crate) async fn new() -> Self {
        Self::with(&Production::Fixture).await
    }

    pub(crate) async fn with(production: &Production) -> Self {
        WAITING.fetch_add(1, Ordering::SeqCst);
        let mut world = WORLD.lock().await;
        WAITING.fetch_sub(1, Ordering::SeqCst);
        let furnished = world.get_or_insert_with(Furnished::new);
        furnished.refurnish(production);
        let self_heal = SelfHeal::start(&furnished.kubectl, REPLICAS).await;
        Self { world, self_heal }
    }
}

impl Deref for RealSandbox {
    type Target = Furnished;

    fn deref(&self) -> &Furnished {
        self.world.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for RealSandbox {
    fn drop(&mut self) {
        // Nobody waits: this is the last test, or the only thread.
        if WAITING.load(Ordering::SeqCst) == 0 {
            self.world.take();
        }
    }
}

impl Furnished {
    fn new() -> Self {
        let kubeconfig = std::env::var_os("E2E_KUBECONFIG").map(PathBuf::from);
        let kubeconfig = kubeconfig.expect("E2E_KUBECONFIG must name the kubeconfig of a cluster that may be used up");
        let kubeconfig = std::path::absolute(kubeconfig).expect("a path");
        let image = std::env::var("E2E_PG_IMAGE").unwrap_or_else(|_| "docker.io/library/postgres:15".to_owned());
        let kubectl = Kubectl::new(&kubeconfig);
        objects::refuse_what_is_not_ours(&kubectl);
        let dir = tempfile::Builder::new().prefix("sandbox-lifecycle-e2e-").tempdir().expect("a directory");
        let postgres = Server::new(kubectl.clone());
        let mut world = Self { kubectl, postgres, image, address: String::new(), dir };
        objects::take_away(&world.kubectl);
        objects::furnish(&world.kubectl, &world.image);
        world.postgres.await_ready();
        world.address = world.postgres.address();
        let text = roles::grant(&world.kubectl);
        std::fs::write(world.kubeconfig(), text).expect("a kubeconfig");
        world
    }

    /// As it was made, whatever the test before has left behind.
    fn refurnish(&mut self, production: &Production) {
        self.postgres.hold(production);
        self.kubectl.run(&["-n", SANDBOX, "delete", "lease", "sandbox-lifecycle", "--ignore-not-found"]);
        self.kubectl.run(&["-n", SANDBOX, "delete", "job,secret", "-l", "sandbox-lifecycle/run"]);
        roles::replace(&self.kubectl, &readme::rules());
        objects::refurnish(&self.kubectl, &self.image);
        for namespace in [PROD, SANDBOX] {
            self.ready(namespace);
        }
    }

    /// The kubeconfig of the ServiceAccount with the README's Roles.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Waits until the Deployment of the namespace has its replicas Ready.
    pub(crate) fn ready(&self, namespace: &str) {
        self.kubectl.run(&["-n", namespace, "rollout", "status", "deployment", namespace, "--timeout=120s"]);
    }

    /// What the binary is told beside its kubeconfig.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("USER", "tester".to_owned()),
            ("SANDBOX_LIFECYCLE_PG_HOST", self.address.clone()),
            ("SANDBOX_LIFECYCLE_PG_IMAGE", self.image.clone()),
        ]
    }

    pub(crate) fn sync_policy(&self) -> Value {
        self.kubectl.get("argocd", &["application", SANDBOX])["spec"]["syncPolicy"].clone()
    }
}

impl Scene for RealSandbox {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"));
        command.args(arguments).current_dir(self.dir()).env_clear().envs(self.environment());
        command.env("KUBECONFIG", self.kubeconfig());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn world(&self) -> World {
        let all = self.kubectl.get(SANDBOX, &["deployments,secrets,jobs,leases"]);
        let names = |kind: &str| {
            let objects = all["items"].as_array().into_iter().flatten().filter(|object| object["kind"] == kind);
            objects.filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
        };
        let deployment = all["items"].as_array().into_iter().flatten().find(|object| object["kind"] == "Deployment");
        let [production, sandbox] = self.postgres.checksums();
        World {
            replicas: deployment.expect("the Deployment")["spec"]["replicas"].clone(),
            sync_policy: self.sync_policy(),
            objects: ["Secret", "Job", "Lease"].map(|kind| (kind.to_owned(), names(kind))).into(),
            production,
            sandbox,
        }
    }

    async fn up_again(&self) {
        self.ready(SANDBOX);
    }

    fn scale(&self, replicas: i32) {
        self.kubectl.patch(SANDBOX, &["deployment", SANDBOX], &json!({"spec": {"replicas": replicas}}));
    }

    fn expire_lease(&self) {
        let soon = json!({"spec": {"leaseDurationSeconds": 1}});
        self.kubectl.patch(SANDBOX, &["lease", "sandbox-lifecycle"], &soon);
    }

    fn allow(&self, rules: &[Rule]) {
        roles::replace(&self.kubectl, rules);
    }
}

impl Drop for Furnished {
    fn drop(&mut self) {
        objects::take_away(&self.kubectl);
    }
}

/// The database server and what belongs to it, beside the three namespaces of the README.
pub(super) const NAMESPACES: [&str; 4] = [PROD, SANDBOX, "argocd", server::NAMESPACE];
