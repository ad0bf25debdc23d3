//! Every verb of the command, asked for.
use super::{Finding, State};
use crate::cli::Task;
use crate::cluster::Cluster;
use crate::rights::{Use, calls};
use crate::settings::Settings;

pub(super) async fn check(settings: &Settings, cluster: &Cluster, task: Task) -> Vec<Finding> {
    let fix = format!("sandbox-lifecycle manifests rbac {} | kubectl apply -f -", task.name());
    let calls = calls(settings, &[task]);
    let rights: Vec<_> = calls.iter().map(|call| call.right.clone()).collect();
    let granted = match cluster.granted(&rights).await {
        Ok(granted) => granted,
        Err(error) => return vec![Finding::failed("rights", &error)],
    };
    let lacking = calls.iter().zip(&granted).filter(|(_, granted)| !**granted).map(|(call, _)| call);
    let mut found: Vec<Finding> = lacking
        .map(|call| match call.used {
            Use::Only(what) => Finding::warning("rights", format!("{} (only {what})", call.right.lacking())).fix(&fix),
            _ => Finding::new("rights", State::Failed, call.right.lacking()).fix(&fix),
        })
        .collect();
    found.sort_by_key(|finding| finding.state != State::Failed);
    if found.is_empty() {
        found.push(Finding::ok("rights", format!("all {} that {} uses are granted", calls.len(), task.name())));
    }
    found
}
