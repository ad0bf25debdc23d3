//! Whether the namespace lets the Job's Pod come.
use super::{Finding, State};
use crate::cluster::Cluster;
use crate::settings::Settings;

pub(super) async fn check(settings: &Settings, cluster: &Cluster) -> Vec<Finding> {
    let namespace = &settings.sandbox.namespace;
    match cluster.kept_out(namespace).await {
        Ok(reasons) if reasons.is_empty() => {
            vec![Finding::ok("quotas", format!("nothing in {namespace} keeps the Job's Pod out"))]
        }
        Ok(reasons) => {
            let failed = |reason| {
                let fix = format!("make room in namespace {namespace}, or change that object");
                Finding::new("quotas", State::Failed, reason).fix(fix)
            };
            reasons.into_iter().map(failed).collect()
        }
        Err(error) => vec![Finding::warning("quotas", format!("not looked at: {error:#}"))],
    }
}
