//! Whether the namespace lets the command's Pod come.
use super::{Finding, State};
use crate::cluster::Cluster;
use crate::cluster::size::{self, Size};
use crate::settings::Settings;

pub(super) async fn check(settings: &Settings, cluster: &Cluster, golden: bool) -> Vec<Finding> {
    if !golden {
        return judge(settings, cluster, &size::JOB).await;
    }
    match cluster.pod_with_golden(&settings.sandbox.namespace).await {
        // It has its room, and what replaces it takes that.
        Ok(Some(pod)) => vec![Finding::ok("quotas", format!("the golden Pod is there already: {}", pod.pod))],
        // Where Pods may not be listed, the line about rights says so.
        Ok(None) | Err(_) => judge(settings, cluster, &size::GOLDEN).await,
    }
}

async fn judge(settings: &Settings, cluster: &Cluster, pod: &Size) -> Vec<Finding> {
    let namespace = &settings.sandbox.namespace;
    match cluster.kept_out(namespace, pod).await {
        Ok(reasons) if reasons.is_empty() => {
            vec![Finding::ok("quotas", format!("nothing in {namespace} keeps {} out", pod.whose))]
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
