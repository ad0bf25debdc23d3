//! The watchdog in the cluster: it recovers the sandbox when this run, its machine and all, is gone for good.
use super::{Context, waiting};
use crate::cluster::job::Watchdog;
use anyhow::{Context as _, Result};
use std::time::Duration;

/// An image on a slow registry, and a node that must be added first; it has had the time of the dump already.
const START_LIMIT: Duration = Duration::from_secs(300);

pub(super) fn name(run: &str) -> String {
    format!("sandbox-watchdog-{run}")
}

/// Only creates it: its image is pulled while production is dumped.
pub(super) async fn start(cx: &mut Context<'_>) -> Result<()> {
    let settings = cx.settings;
    let image = settings.watchdog.as_deref().context("a bug: no watchdog is wanted")?;
    let name = name(cx.run);
    let watchdog = Watchdog {
        namespace: &settings.sandbox.namespace,
        name: &name,
        run: cx.run,
        lease: &cx.guard.lease().await,
        image,
        service_account: &settings.watchdog_service_account,
        deployment: &settings.sandbox.deployment,
        application: (&settings.argocd_namespace, &settings.argocd_application),
        after: settings.watchdog_after,
    };
    cx.watchdog = Some(cx.cluster.start_watchdog(&watchdog).await?);
    Ok(())
}

/// Before the sandbox is touched: a watchdog that cannot start protects nobody.
pub(super) async fn prove(cx: &mut Context<'_>) -> Result<()> {
    let Some(watchdog) = cx.watchdog.clone() else {
        return Ok(());
    };
    let stands = cx.cluster.watchdog_stands(&watchdog, START_LIMIT);
    waiting(cx.report, "waiting for the watchdog", stands)
        .await
        .context("the sandbox was not touched without its watchdog")
}

pub(super) async fn end(cx: &mut Context<'_>) -> Result<()> {
    match cx.watchdog.take() {
        Some(watchdog) => cx.cluster.delete_job(&watchdog.namespace, &watchdog.name).await,
        None => Ok(()),
    }
}
