//! The sandbox's Deployment, down to 0 and up to what it was.
use super::Context;
use crate::undo::Undo;
use anyhow::{Context as _, Result};
use std::time::Instant;

pub(super) async fn down(cx: &mut Context<'_>) -> Result<()> {
    let sandbox = &cx.settings.sandbox;
    let (namespace, deployment) = (sandbox.namespace.clone(), sandbox.deployment.clone());
    let rollout = cx.cluster.deployment(&namespace, &deployment).await?;
    if rollout.replicas == 0 {
        cx.warn(format!("Deployment {namespace}/{deployment} was at 0 replicas before this run, and is left at 0"));
    } else {
        let replicas = rollout.replicas;
        let undo = Undo::ScaleTo { namespace: namespace.clone(), deployment: deployment.clone(), replicas };
        cx.guard.before_change(undo).await?;
        cx.stopped = Some((Instant::now(), replicas));
        cx.cluster.scale(&namespace, &deployment, 0).await?;
    }
    let report = cx.report;
    let left = |running| {
        report.event(crate::report::Event::Progress { text: &format!("{running} Pods still run") });
    };
    let stopped = tokio::select! {
        biased;
        // Replicas that come back keep Pods running until the limit, and would be told as Pods that do not end.
        disturbed = cx.cluster.disturbed(super::argocd::stopped(cx.settings)) => Err(disturbed),
        stopped = cx.cluster.stopped(&namespace, &rollout.selector, left) => stopped,
    };
    stopped.with_context(|| format!("could not stop {namespace}/{deployment}"))
}

pub(super) async fn up(cx: &mut Context<'_>) -> Result<()> {
    let Some((stopped, replicas)) = cx.stopped else {
        cx.note("it was at 0 before: left at 0");
        return Ok(());
    };
    let sandbox = &cx.settings.sandbox;
    cx.guard.settle(|undo| matches!(undo, Undo::ScaleTo { .. })).await?;
    cx.cluster.ready(&sandbox.namespace, &sandbox.deployment, replicas).await?;
    cx.summary.downtime_seconds = Some(stopped.elapsed().as_secs_f64());
    Ok(())
}
