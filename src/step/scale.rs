//! The sandbox's Deployment, down to 0 and up to what it was.
use super::Context;
use crate::cluster::deployment::Rollout;
use crate::cluster::tied::anew;
use crate::settings::Environment;
use crate::undo::Undo;
use anyhow::{Context as _, Result};
use std::time::Instant;

pub(super) async fn down(cx: &mut Context<'_>) -> Result<()> {
    let sandbox = &cx.settings.sandbox;
    let (namespace, deployment) = (sandbox.namespace.clone(), sandbox.deployment.clone());
    let rollout = to_0(cx).await?;
    if cx.stopped.is_none() {
        cx.warn(format!("Deployment {namespace}/{deployment} was at 0 replicas before this run, and is left at 0"));
    }
    let report = cx.report;
    let left = |running| {
        report.event(crate::report::Event::Progress { text: &format!("Pods that still run: {running}") });
    };
    let stopped = tokio::select! {
        biased;
        // Replicas that come back keep Pods running until the limit, and would be told as Pods that do not end.
        disturbed = cx.cluster.disturbed(super::argocd::stopped(cx.settings)) => Err(disturbed),
        stopped = cx.cluster.stopped(&namespace, &rollout.selector, left) => stopped,
    };
    stopped.with_context(|| format!("could not stop {namespace}/{deployment}"))
}

/// Scales to 0 what is not at 0 already; journalled anew when the Deployment has changed in the middle of it.
async fn to_0(cx: &mut Context<'_>) -> Result<Rollout> {
    let (cluster, guard) = (cx.cluster, cx.guard);
    let Environment { namespace, deployment, .. } = &cx.settings.sandbox;
    let mut journalled = None;
    anew(async || {
        let rollout = cluster.deployment(namespace, deployment).await?;
        if rollout.replicas == 0 {
            return Ok(rollout);
        }
        let undo = Undo::ScaleTo {
            namespace: namespace.clone(),
            deployment: deployment.clone(),
            replicas: rollout.replicas,
            down_at: Some(rollout.version.clone()),
        };
        guard.before_next_attempt(journalled.replace(undo.clone()).as_ref(), undo).await?;
        let since = cx.stopped.map_or_else(Instant::now, |(since, _)| since);
        cx.stopped = Some((since, rollout.replicas));
        cluster.scale(namespace, deployment, 0, &rollout.version).await?;
        Ok(rollout)
    })
    .await
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
