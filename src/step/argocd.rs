//! Argo CD, paused and re-armed: armed, it would undo a scale-down within seconds, or at the next commit.
use super::{Context, waiting};
use crate::cli::Pause;
use crate::cluster::application::{Application, Operation, SKIP_RECONCILE};
use crate::cluster::changed::Change;
use crate::cluster::disturbance::Stopped;
use crate::cluster::tied::anew;
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
    super::watchdog::prove(cx).await?;
    match cx.settings.argocd_pause {
        Pause::Automated => {
            pause_automated(cx).await?;
            end_operation(cx).await
        }
        Pause::SkipReconcile => {
            // The other way round: a frozen Application's operation would be stuck.
            end_operation(cx).await?;
            freeze(cx).await
        }
    }
}

async fn pause_automated(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = cx.settings;
    let (cluster, guard) = (cx.cluster, cx.guard);
    let now = cluster.application(namespace, name).await?;
    cx.synced = now.synced;
    if !now.syncs_by_itself() {
        tell_that_it_is_off(cx, now);
        return Ok(());
    }
    let mut journalled: Option<Undo> = None;
    anew(async || {
        let now = cluster.application(namespace, name).await?;
        let undo = match &journalled {
            // An attempt that was carried out, although its answer was lost.
            Some(_) if !now.syncs_by_itself() => return Ok(()),
            // What stands there may be half of the pause already.
            Some(undo) if now.changed.as_ref().is_some_and(Change::is_ours) => undo.clone(),
            _ => Undo::ResumeAutomatedSync {
                namespace: namespace.clone(),
                application: name.clone(),
                automated: now.automated.context("automated sync was taken away meanwhile")?,
            },
        };
        guard.before_next_attempt(journalled.replace(undo.clone()).as_ref(), undo).await?;
        cluster.pause_automated(namespace, name, &now.version).await
    })
    .await
}

fn tell_that_it_is_off(cx: &mut Context<'_>, now: Application) {
    let of = application(cx.settings);
    // What stands there is how it is left: this run does not know what an earlier one may have found.
    if now.changed.is_some_and(|change| change.is_ours()) {
        cx.warn(format!(
            "automated sync of {of} is off, and an earlier run of this tool turned it off: was its Lease deleted?"
        ));
    }
    cx.note(format!("automated sync of {of} is off already: nothing to pause, and it is left so"));
}

async fn freeze(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, .. } = cx.settings;
    let (cluster, guard) = (cx.cluster, cx.guard);
    let now = cluster.application(namespace, name).await?;
    cx.synced = now.synced;
    if now.is_frozen() {
        cx.note(format!(
            "{} has {SKIP_RECONCILE} already: nothing to pause, and it is left so",
            application(cx.settings)
        ));
        return Ok(());
    }
    let mut journalled = None;
    anew(async || {
        let now = cluster.application(namespace, name).await?;
        // An attempt that was carried out, although its answer was lost.
        if now.is_frozen() {
            return Ok(());
        }
        let undo = Undo::RestoreSkipReconcile {
            namespace: namespace.clone(),
            application: name.clone(),
            value: now.skip_reconcile,
        };
        guard.before_next_attempt(journalled.replace(undo.clone()).as_ref(), undo).await?;
        cluster.freeze(namespace, name, &now.version).await
    })
    .await?;
    // One that began just before goes on, and would never be seen to end.
    let now = cluster.application(namespace, name).await?.operation;
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
    let ended = cx.cluster.operation_ended(namespace, name, *limit);
    let ended = waiting(cx.report, "waiting for an operation in flight", ended).await?;
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
    resumed.with_context(|| format!("could not re-arm {}", application(cx.settings)))?;
    if let Err(error) = wait_for_argo(cx).await {
        cx.warn(format!("it is not known whether {} is Synced: {error:#}", application(cx.settings)));
    }
    Ok(())
}

/// Until Argo CD has seen for itself that all is as Git says. The sandbox runs by then, so nothing of this ends the run.
async fn wait_for_argo(cx: &mut Context<'_>) -> Result<()> {
    let Settings { argocd_namespace: namespace, argocd_application: name, argocd_operation_timeout: limit, .. } =
        cx.settings;
    let of = application(cx.settings);
    if !cx.cluster.application(namespace, name).await?.acts_by_itself() {
        return Ok(());
    }
    if !cx.synced {
        cx.note(format!("{of} was not Synced before this run: not waited for"));
        return Ok(());
    }
    let synced = cx.cluster.synced(namespace, name, *limit);
    if let Some(said) = waiting(cx.report, "waiting for Argo CD to find it Synced", synced).await? {
        cx.warn(format!("{of} is re-armed, but not Synced after {} s; Argo CD says: {said}", limit.as_secs()));
    }
    Ok(())
}
