//! Argo CD's self-heal, off and on again: armed, it would undo a scale-down within seconds.
use super::Context;
use crate::undo::Undo;
use anyhow::{Context as _, Result};

pub(super) async fn pause(cx: &mut Context<'_>) -> Result<()> {
    let namespace = &cx.settings.argocd_namespace;
    let application = &cx.settings.argocd_application;
    let now = cx.cluster.application(namespace, application).await?;
    if now.self_heals() {
        let automated = now.automated.context("self-heal without automated sync")?;
        let undo = Undo::ResumeSelfHeal { namespace: namespace.clone(), application: application.clone(), automated };
        cx.guard.before_change(undo).await?;
        cx.cluster.pause_self_heal(namespace, application).await?;
    } else {
        cx.note(format!("self-heal of Application {namespace}/{application} is off already: nothing to pause"));
    }
    cx.progress("waiting for an operation in flight");
    cx.cluster.operation_ended(namespace, application).await
}

pub(super) async fn resume(cx: &mut Context<'_>) -> Result<()> {
    let resumed = cx.guard.settle(|undo| matches!(undo, Undo::ResumeSelfHeal { .. })).await;
    resumed.with_context(|| {
        let settings = cx.settings;
        format!("could not re-arm Application {}/{}", settings.argocd_namespace, settings.argocd_application)
    })
}
