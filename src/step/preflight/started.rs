//! Who else could start the sandbox during a restore: Argo CD's own parents, and autoscalers.
use super::{Remarks, keep, keep_named};
use crate::cluster::Cluster;
use crate::cluster::application::{Application, Tolerance};
use crate::settings::Settings;

/// The pause must hit no other application than the sandbox, and must last.
pub(in crate::step) async fn check_application(settings: &Settings, cluster: &Cluster) -> Remarks {
    let mut remarks = Remarks::default();
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = settings;
    let Some(application) =
        keep_named(&mut remarks.wrong, cluster.application(namespace, name).await, "argocd-application")
    else {
        return remarks;
    };
    remarks.wrong.extend(wrong_destination(settings, &application));
    let Some(owner) = &application.owner else {
        return remarks;
    };
    let pause = settings.argocd_pause;
    let tolerance = keep(&mut remarks.wrong, cluster.tolerance(namespace, name, owner, pause).await);
    // Only a warning: an ApplicationSet's controller may be told by a flag of its own to leave Applications alone, and
    // a parent that knows `enabled` (Argo CD 3.1) sees no difference in it. What is reverted ends the run.
    let will = match tolerance {
        Some(Tolerance::Reverts) => "is likely to undo",
        Some(Tolerance::Unknown) => "may undo",
        Some(Tolerance::Allows) | None => return remarks,
    };
    let fix = owner.fix(pause);
    remarks.warnings.push(format!(
        "{owner} manages Application {namespace}/{name} and {will} its pause, which would end the run before anything is \
         committed; to allow it, {fix}"
    ));
    remarks
}

fn wrong_destination(settings: &Settings, application: &Application) -> Option<String> {
    let Settings { argocd_namespace, argocd_application, .. } = settings;
    let wanted = &settings.sandbox.namespace;
    let destination = application.destination_namespace.as_deref();
    (destination != Some(wanted)).then(|| {
        format!(
            "Application {argocd_namespace}/{argocd_application} deploys to namespace {}, not to {wanted}: \
             pausing it would not protect the sandbox",
            destination.unwrap_or("(none)")
        )
    })
}

pub(in crate::step) async fn check_autoscalers(settings: &Settings, cluster: &Cluster) -> Remarks {
    let mut remarks = Remarks::default();
    let sandbox = &settings.sandbox;
    let autoscalers = cluster.autoscalers(&sandbox.namespace, &sandbox.deployment).await;
    for autoscaler in autoscalers.found {
        let name = autoscaler.name;
        match autoscaler.fix {
            Some(fix) => {
                remarks.wrong.push(format!("{name} would start the sandbox in the middle of its restore; {fix}"))
            }
            None => remarks.notes.push(format!("{name} scales the sandbox too, but leaves it alone at 0 replicas")),
        }
    }
    for error in autoscalers.unreadable {
        remarks.notes.push(format!("cannot tell whether an autoscaler would start the sandbox: {error:#}"));
    }
    remarks
}
