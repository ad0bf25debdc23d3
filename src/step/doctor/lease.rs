//! Whether the sandbox is free.
use super::Finding;
use crate::cluster::{Cluster, lease};
use crate::settings::Settings;

pub(super) async fn check(settings: &Settings, cluster: &Cluster) -> Finding {
    let name = format!("{}/{}", settings.sandbox.namespace, lease::NAME);
    match cluster.find_lease(&settings.sandbox.namespace).await {
        Ok(None) => Finding::ok("Lease", format!("{name} is free")),
        Ok(Some(found)) if found.is_abandoned() => {
            let says = format!("{} has ended and left {name} with what it could not put back", found.holder);
            Finding::warning("Lease", says).fix("`sandbox-lifecycle recover`; the next run does that first")
        }
        Ok(Some(found)) => {
            let since = found.since.map_or(String::new(), |since| format!(" since {since:.0}"));
            let says = format!("{name} is held by {}{since}", found.holder);
            Finding::warning("Lease", says)
                .fix("wait for its end; if it is dead, the next run or `sandbox-lifecycle recover` finds out")
        }
        Err(error) => Finding::failed("Lease", &error)
            .fix("a Role must let the Lease be read: `sandbox-lifecycle manifests rbac` prints it"),
    }
}
