//! What is not as it should be, and is not a living run's doing.
use super::{Drift, Running, Status, keep};
use crate::cli::named;
use crate::cluster::application::{Application, SKIP_RECONCILE};
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::{Cluster, lease};
use crate::settings::Settings;
use crate::undo::Undo;
use anyhow::Error;

/// How many things [`look`] asks for.
pub(super) const LOOKS: usize = 3;

pub(super) async fn look(settings: &Settings, cluster: &Cluster, status: &mut Status, errors: &mut Vec<Error>) {
    let Settings { sandbox, argocd_namespace, argocd_application, .. } = settings;
    let (application, deployment, objects) = tokio::join!(
        cluster.application(argocd_namespace, argocd_application),
        cluster.deployment(&sandbox.namespace, &sandbox.deployment),
        cluster.of_runs(&sandbox.namespace)
    );
    let run = status.run.as_ref();
    let mut drift = Vec::new();
    drift.extend(run.and_then(|run| abandoned(run, &sandbox.namespace)));
    let application = keep(errors, application).filter(|_| !undoes(run, is_argos));
    drift.extend(application.and_then(|application| disarmed(settings, &application)));
    let absent = deployment.as_ref().is_err_and(|error| refusal(error) == Some(&Refusal::NotFound));
    let deployment = keep(errors, deployment).filter(|_| !undoes(run, |undo| matches!(undo, Undo::ScaleTo { .. })));
    if deployment.is_some_and(|deployment| deployment.replicas == 0) {
        let name = format!("{}/{}", sandbox.namespace, sandbox.deployment);
        let fix = format!("kubectl -n {} scale deployment {} --replicas=1", sandbox.namespace, sandbox.deployment);
        drift.push(Drift { what: format!("Deployment {name} is at 0 replicas"), fix });
    }
    for object in keep(errors, objects).into_iter().flatten() {
        if run.is_none_or(|run| run.id() != object.run) {
            let what = format!("{} {}/{} is left of run {}", object.kind, sandbox.namespace, object.name, object.run);
            let kind = object.kind.to_lowercase();
            drift.push(Drift { what, fix: format!("kubectl -n {} delete {kind} {}", sandbox.namespace, object.name) });
        }
    }
    (status.drift, status.absent) = (drift, absent);
}

/// Whether a run will put that back by itself, or by `recover`.
fn undoes(run: Option<&Running>, which: impl Fn(&Undo) -> bool) -> bool {
    run.is_some_and(|run| run.journal.iter().any(which))
}

fn is_argos(undo: &Undo) -> bool {
    matches!(undo, Undo::ResumeAutomatedSync { .. } | Undo::RestoreSkipReconcile { .. })
}

/// Nobody will put that back unless told to.
fn abandoned(run: &Running, namespace: &str) -> Option<Drift> {
    let what = match (run.renewed_at, run.silent_seconds) {
        (None, _) => format!("{} has ended and left the Lease {namespace}/{} behind", run.holder, lease::NAME),
        (_, Some(seconds)) => {
            format!("{} has not renewed its Lease for {seconds} s: `recover` puts back what it left", run.holder)
        }
        _ => return None,
    };
    Some(Drift { what, fix: named("sandbox-lifecycle recover") })
}

fn disarmed(settings: &Settings, application: &Application) -> Option<Drift> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = settings;
    let patch = |patch: &str| format!("kubectl -n {namespace} patch application {name} --type merge -p '{patch}'");
    let self_heals = || application.automated.as_ref().is_some_and(|automated| automated["selfHeal"] == true);
    let (what, fix) = if application.is_frozen() {
        let fix = format!("kubectl -n {namespace} annotate application {name} {SKIP_RECONCILE}-");
        (format!("Argo CD leaves Application {namespace}/{name} alone ({SKIP_RECONCILE})"), fix)
    } else if !application.syncs_by_itself() {
        let fix = patch(r#"{"spec":{"syncPolicy":{"automated":{"enabled":null,"selfHeal":true}}}}"#);
        (format!("automated sync of Application {namespace}/{name} is off"), fix)
    } else if !self_heals() {
        let fix = patch(r#"{"spec":{"syncPolicy":{"automated":{"selfHeal":true}}}}"#);
        (format!("self-heal of Application {namespace}/{name} is off"), fix)
    } else {
        return None;
    };
    let by = application.changed.as_ref().map_or(String::new(), |change| format!("; last changed by {change}"));
    Some(Drift { what: format!("{what}{by}"), fix })
}
