//! Argo CD: how it can be paused here, who would undo that, and what else starts a Deployment.
use super::{Finding, State, findings};
use crate::cluster::Cluster;
use crate::cluster::application::Operation;
use crate::settings::Settings;
use crate::step::preflight::started;

pub(super) async fn check(settings: &Settings, cluster: &Cluster) -> Vec<Finding> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = settings;
    let mut all = match cluster.application(namespace, name).await {
        Err(error) => {
            let fix = "--argocd-namespace and --argocd-application name the Application that manages the sandbox";
            return vec![Finding::failed("Argo CD", &error).fix(fix)];
        }
        Ok(application) => {
            let mut all = vec![ability(settings, cluster).await];
            if !application.acts_by_itself() {
                let says = format!("Application {namespace}/{name} does not sync by itself: it is left so");
                all.push(
                    Finding::warning("Argo CD", says)
                        .fix("`sandbox-lifecycle status` says how to arm it, and `sandbox-lifecycle recover` puts back what a dead run left"),
                );
            }
            if application.operation != Operation::None {
                let says = format!(
                    "Application {namespace}/{name} has an operation in flight, which a run waits for, and terminates after {} s",
                    settings.argocd_operation_timeout.as_secs()
                );
                all.push(Finding::warning("Argo CD", says));
            }
            all
        }
    };
    let destination = "--sandbox-namespace must be where the Application deploys to";
    all.extend(findings("Argo CD", started::check_application(settings, cluster).await, destination));
    let pause = "keep it from scaling the sandbox during a run, as said";
    all.extend(findings("autoscalers", started::check_autoscalers(settings, cluster).await, pause));
    all
}

/// By a dry run of the pause: what the API server would store shows whether the CRD knows the field.
async fn ability(settings: &Settings, cluster: &Cluster) -> Finding {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = settings;
    match cluster.knows_enabled(namespace, name).await {
        Ok(true) => Finding::ok("Argo CD", format!("Application {namespace}/{name}; 3.1 or later, by its CRD: paused by automated.enabled")),
        Ok(false) => Finding::ok("Argo CD", format!("Application {namespace}/{name}; before 3.1, by its CRD: paused by taking `automated` away")),
        Err(error) => Finding::new("Argo CD", State::Failed, format!("a dry run of the pause was refused: {error:#}"))
            .fix("let it patch the Application, or say --argocd-pause skip-reconcile if a policy keeps automated sync as it is"),
    }
}
