//! Argo CD, paused and re-armed: armed, it would undo a scale-down within seconds, or at the next commit.
use super::Context;
use crate::cli::Pause;
use crate::cluster::application::{Application, Operation, SKIP_RECONCILE};
use crate::cluster::disturbance::Stopped;
use crate::settings::Settings;
use crate::undo::Undo;
use anyhow::{Context as _, Result, ensure};

pub(super) fn pause_touches(settings: &Settings) -> String {
    let how = match settings.argocd_pause {
        Pause::Automated => "automated.enabled false; before Argo CD 3.1: automated removed".to_owned(),
        Pause::SkipReconcile => format!("annotation {SKIP_RECONCILE} true"),
    };
    format!("patch {}: {how}", application(settings))
}

pub(super) fn resume_touches(settings: &Settings) -> String {
    let what = match settings.argocd_pause {
        Pause::Automated => "automated",
        Pause::SkipReconcile => SKIP_RECONCILE,
    };
    format!("patch {}: {what} as it was", application(settings))
}

fn application(settings: &Settings) -> String {
    format!("Application {}/{}", settings.argocd_namespace, settings.argocd_application)
}

/// What must stay as it is while the sandbox is stopped.
pub(super) fn stopped(settings: &Settings) -> Stopped<'_> {
    Stopped {
        deployment: (&settings.sandbox.namespace, &settings.sandbox.deployment),
        application: (&settings.argocd_namespace, &settings.argocd_application),
        pause: settings.argocd_pause,
    }
}

pub(super) async fn pause(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, argocd_pause, .. } = cx.settings;
    super::watchdog::prove(cx).await?;
    match argocd_pause {
        Pause::Automated => {
            let now = cx.cluster.application(namespace, name).await?;
            pause_automated(cx, now).await?;
            end_operation(cx).await
        }
        Pause::SkipReconcile => {
            // The other way round: a frozen Application's operation would be stuck.
            end_operation(cx).await?;
            freeze(cx).await
        }
    }
}

async fn pause_automated(cx: &mut Context<'_>, now: Application) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = cx.settings;
    if !now.syncs_by_itself() {
        // What stands there is how it is left: this run does not know what an earlier one may have found.
        if now.changed.is_some_and(|change| change.is_ours()) {
            let of = application(cx.settings);
            cx.warn(format!(
                "automated sync of {of} is off, and an earlier run of this tool turned it off: was its Lease deleted?"
            ));
        }
        cx.note(format!(
            "automated sync of {} is off already: nothing to pause, and it is left so",
            application(cx.settings)
        ));
        return Ok(());
    }
    let automated = now.automated.context("a bug: automated sync without its policy")?;
    let (namespace_, application) = (namespace.clone(), name.clone());
    let undo = Undo::ResumeAutomatedSync { namespace: namespace_, application, automated };
    cx.guard.before_change(undo).await?;
    cx.cluster.pause_automated(namespace, name).await
}

async fn freeze(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = cx.settings;
    let now = cx.cluster.application(namespace, name).await?;
    if now.is_frozen() {
        cx.note(format!(
            "{} has {SKIP_RECONCILE} already: nothing to pause, and it is left so",
            application(cx.settings)
        ));
        return Ok(());
    }
    let (namespace_, application_) = (namespace.clone(), name.clone());
    let undo =
        Undo::RestoreSkipReconcile { namespace: namespace_, application: application_, value: now.skip_reconcile };
    cx.guard.before_change(undo).await?;
    cx.cluster.freeze(namespace, name).await?;
    // One that began just before goes on, and would never be seen to end.
    let now = cx.cluster.application(namespace, name).await?.operation;
    ensure!(
        now == Operation::None,
        "Argo CD began an operation on {} while it was paused; run this again",
        application(cx.settings)
    );
    Ok(())
}

/// Waits for an operation in flight, then terminates it: one that runs puts the replicas back although sync is off.
async fn end_operation(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, argocd_operation_timeout: limit, .. } =
        cx.settings;
    cx.progress("waiting for an operation in flight");
    let ended = cx.cluster.operation_ended(namespace, name, *limit).await?;
    if ended || cx.cluster.application(namespace, name).await?.operation == Operation::None {
        return Ok(());
    }
    let of = application(cx.settings);
    cx.warn(format!("Argo CD's operation on {of} has been running for {} s: terminating it", limit.as_secs()));
    cx.cluster.terminate_operation(namespace, name).await?;
    let ended = cx.cluster.operation_ended(namespace, name, *limit).await?;
    ensure!(
        ended,
        "Argo CD's operation on {of} goes on {} s after it was terminated; is its application controller running?",
        limit.as_secs()
    );
    Ok(())
}

pub(super) async fn resume(cx: &mut Context<'_>) -> Result<()> {
    let of_argo = |undo: &Undo| matches!(undo, Undo::ResumeAutomatedSync { .. } | Undo::RestoreSkipReconcile { .. });
    let resumed = cx.guard.settle(of_argo).await;
    resumed.with_context(|| format!("could not re-arm {}", application(cx.settings)))
}
