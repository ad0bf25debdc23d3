//! All that a run will ask of the cluster, asked for before the first change: a verb that is forbidden half-way would be
//! found out when the sandbox is down, and one that is needed to put things back, too late.
use super::preflight::{Golden, Scope};
use crate::cli::Side;
use crate::cluster::rights::Right;
use crate::cluster::{Cluster, golden, lease};
use crate::settings::{Environment, Settings};
use anyhow::{Result, ensure};

const CORE: &str = "";

/// Asks whether all of it is granted.
///
/// # Errors
/// What is lacking, with the rules that grant it; the API server cannot be reached, or does not accept the credentials.
pub async fn check(settings: &Settings, cluster: &Cluster, scope: Scope) -> Result<()> {
    ask(cluster, &needed(settings, scope)).await
}

/// A watchdog that may not put something back must be known before it is needed.
///
/// # Errors
/// As [`check`].
pub async fn check_recovery(settings: &Settings, cluster: &Cluster) -> Result<()> {
    let target = In(&settings.sandbox.namespace);
    let argocd = In(&settings.argocd_namespace);
    let on_lease = |verb| target.named(verb, "coordination.k8s.io", "leases", lease::NAME);
    let on_application = |verb| argocd.named(verb, "argoproj.io", "applications", &settings.argocd_application);
    let mut needed: Vec<Right> = ["get", "list", "watch", "update", "delete"].map(on_lease).into();
    needed.extend(["get", "patch"].map(on_application));
    needed.push(target.named("get", "apps", "deployments", &settings.sandbox.deployment));
    needed.push(target.named("patch", "apps", "deployments/scale", &settings.sandbox.deployment));
    needed.extend(["list", "watch"].map(|verb| target.any(verb, CORE, "pods")));
    needed.push(target.any("delete", "batch", "jobs"));
    needed.push(target.any("delete", CORE, "secrets"));
    ask(cluster, &needed).await
}

async fn ask(cluster: &Cluster, needed: &[Right]) -> Result<()> {
    let lacking = cluster.lacking(needed).await?;
    let lacking: Vec<String> = lacking.into_iter().map(|right| format!("this client {right}")).collect();
    ensure!(lacking.is_empty(), "{}; nothing was changed", lacking.join("; "));
    Ok(())
}

/// The README's Roles, but for what it marks as "only": without it less is said, and nothing else is different.
fn needed(settings: &Settings, scope: Scope) -> Vec<Right> {
    let Settings { prod, sandbox, .. } = settings;
    let (source, target) = (In(&prod.namespace), In(&sandbox.namespace));
    let mut needed = Vec::new();
    if scope.reads_production() {
        needed.push(source.named("get", "apps", "deployments", &prod.deployment));
    }
    needed.extend(
        ["get", "update", "delete"].map(|verb| target.named(verb, "coordination.k8s.io", "leases", lease::NAME)),
    );
    needed.push(target.any("create", "coordination.k8s.io", "leases"));
    needed.push(target.named("get", "apps", "deployments", &sandbox.deployment));
    if scope.documents {
        needed.extend([source, target].into_iter().flat_map(In::documents));
    }
    if scope.database {
        needed.push(source.named("get", CORE, "secrets", &prod.secret));
        let database = target.database(sandbox).into_iter().filter(|right| !needed.contains(right)).collect::<Vec<_>>();
        needed.extend(database);
    }
    if let Some(side) = scope.backup {
        let backup = backup(settings, side).into_iter().filter(|right| !needed.contains(right)).collect::<Vec<_>>();
        needed.extend(backup);
    }
    if let Some(golden) = scope.golden {
        let golden = target.golden(settings, golden).into_iter();
        let golden = golden.filter(|right| !needed.contains(right)).collect::<Vec<_>>();
        needed.extend(golden);
    }
    if scope.stops {
        let stop = target.stop(sandbox).into_iter().filter(|right| !needed.contains(right)).collect::<Vec<_>>();
        needed.extend(stop);
        let argocd = In(&settings.argocd_namespace);
        let on_application = |verb| argocd.named(verb, "argoproj.io", "applications", &settings.argocd_application);
        needed.extend(["get", "list", "watch", "patch"].map(on_application));
    }
    needed
}

/// What looking after the backups needs: the bucket's key.
///
/// # Errors
/// As [`check`].
pub async fn check_bucket(settings: &Settings, cluster: &Cluster) -> Result<()> {
    ask(cluster, &bucket(settings).into_iter().collect::<Vec<_>>()).await
}

fn backup(settings: &Settings, side: Side) -> Vec<Right> {
    let environment = if side == Side::Prod { &settings.prod } else { &settings.sandbox };
    let from = In(&environment.namespace);
    let mut needed = vec![from.named("get", CORE, "secrets", &environment.secret)];
    needed.extend(from.documents());
    needed.extend(In(&settings.sandbox.namespace).job());
    needed.extend(bucket(settings));
    needed
}

fn bucket(settings: &Settings) -> Option<Right> {
    let namespace = settings.backups.secret_namespace.as_ref().unwrap_or(&settings.sandbox.namespace);
    Some(In(namespace).named("get", CORE, "secrets", settings.backups.secret.as_ref()?))
}

/// A namespace.
#[derive(Clone, Copy)]
struct In<'a>(&'a str);

impl In<'_> {
    fn any(self, verb: &'static str, group: &'static str, resource: &'static str) -> Right {
        Right { namespace: self.0.to_owned(), verb, group, resource, name: None }
    }

    fn named(self, verb: &'static str, group: &'static str, resource: &'static str, name: &str) -> Right {
        Right { name: Some(name.to_owned()), ..self.any(verb, group, resource) }
    }

    fn documents(self) -> [Right; 3] {
        let exec = |verb| self.any(verb, CORE, "pods/exec");
        [self.any("list", CORE, "pods"), exec("get"), exec("create")]
    }

    /// What the golden volume and its Pod need, warm or cold.
    fn golden(self, settings: &Settings, golden: Golden) -> Vec<Right> {
        let claims = "persistentvolumeclaims";
        let warm = |verb| self.named(verb, "apps", "deployments", golden::NAME);
        let pods = ["list", "watch"].map(|verb| self.any(verb, CORE, "pods"));
        if golden == Golden::Cool {
            return [warm("delete")].into_iter().chain(pods).collect();
        }
        let mut needed = vec![
            self.named("get", CORE, "secrets", &settings.sandbox.secret),
            self.named("get", CORE, claims, &settings.golden_claim),
            warm("get"),
        ];
        needed.extend(pods);
        needed.extend(["get", "create"].map(|verb| self.any(verb, CORE, "pods/exec")));
        needed.extend(["create", "get", "delete"].map(|verb| self.any(verb, "batch", "jobs")));
        // The Deployment is made anew where one of another version stands.
        needed.extend([self.any("create", "apps", "deployments"), warm("update")]);
        if golden == Golden::Make {
            needed.push(self.any("create", CORE, claims));
        }
        needed
    }

    /// What stopping the sandbox and starting it again needs.
    fn stop(self, sandbox: &Environment) -> Vec<Right> {
        let mut needed = vec![self.named("patch", "apps", "deployments/scale", &sandbox.deployment)];
        needed.extend(["list", "watch"].map(|verb| self.any(verb, "apps", "deployments")));
        needed.extend(["list", "watch"].map(|verb| self.any(verb, CORE, "pods")));
        needed
    }

    /// What the Job, its Secret, its Pod and the Deployment need.
    fn database(self, sandbox: &Environment) -> Vec<Right> {
        [self.named("get", CORE, "secrets", &sandbox.secret)].into_iter().chain(self.job()).collect()
    }

    /// What a Job, its Secret and its Pod need.
    fn job(self) -> Vec<Right> {
        let mut needed = vec![self.any("get", CORE, "pods/log")];
        needed.extend(["create", "get", "delete"].map(|verb| self.any(verb, "batch", "jobs")));
        needed.extend(["create", "delete"].map(|verb| self.any(verb, CORE, "secrets")));
        needed.extend(["get", "list", "watch"].map(|verb| self.any(verb, CORE, "pods")));
        needed.extend(["get", "create"].map(|verb| self.any(verb, CORE, "pods/exec")));
        needed
    }
}
