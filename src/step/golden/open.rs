//! The golden Pod, warm if there is one and a Job's if not; and its end.
use super::super::preflight::GoldenFound;
use super::super::{about_image, waiting};
use crate::cluster::exec::PodRef;
use crate::cluster::golden::{GoldenPod, Warm};
use crate::golden::{ROOT, scripts};
use crate::settings::Settings;
use crate::step::Context;
use crate::undo::Undo;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;

const NOT_UP: &str = "the golden Pod does not come up";
const NOT_UP_AND_KEPT: &str = "the golden Pod does not come up, and `checkpoint cool` takes it away";

/// The Pod to work in.
pub(super) struct Open {
    pub pod: PodRef,
    /// Of a Job of this run.
    pub cold: bool,
}

pub(super) fn job_name(run: &str) -> String {
    format!("sandbox-golden-{run}")
}

/// Without a volume there is nothing to open, and no checkpoint: what is asked for then says so.
pub(super) async fn open(cx: &mut Context<'_>) -> Result<()> {
    let found = cx.found.golden.as_ref().context("a bug: the preflight did not look at the golden volume")?;
    cx.is_not_production(&found.host)?;
    let settings = cx.settings;
    let namespace = &settings.sandbox.namespace;
    if found.claim.is_none() {
        let makes = cx.cluster.claim(namespace, &settings.golden_claim).await?;
        match makes {
            Some(claim) => claim.check()?,
            None if found.makes => make_claim(cx).await?,
            None => return Ok(()),
        }
    }
    let wanted = golden_pod(settings, found);
    let (pod, cold) = match cx.cluster.warm_pod(&wanted).await? {
        Warm::Ready(pod) => (pod, false),
        Warm::Coming => (kept(cx, &wanted).await.context(NOT_UP_AND_KEPT)?, false),
        Warm::Other => {
            // Whatever ends the run meanwhile, the last words say so.
            cx.summary.rehearsal.kept_pod_gone = true;
            let pod = warmed(cx, &wanted).await?;
            cx.summary.rehearsal.kept_pod_gone = false;
            (pod, false)
        }
        Warm::No if settings.wanted.warm => (warmed(cx, &wanted).await?, false),
        Warm::No => (of_a_job(cx, &wanted).await?, true),
    };
    cx.golden.open = Some(Open { pod, cold });
    Ok(())
}

/// The Pod of the Deployment that is there, or that is made or replaced now.
async fn kept(cx: &Context<'_>, wanted: &GoldenPod<'_>) -> Result<PodRef> {
    let kept = cx.cluster.keep_warm(wanted);
    let kept = waiting(cx.report, "waiting for the golden Pod, which is kept then", kept).await;
    kept.map_err(|error| about_image(error, "pg-image"))
}

/// One that is up stays, whatever becomes of this run; one that does not come up is taken away again. What it has replaced is of settings that
/// nobody knows any more.
async fn warmed(cx: &Context<'_>, wanted: &GoldenPod<'_>) -> Result<PodRef> {
    let namespace = wanted.namespace.to_owned();
    cx.guard.before_change(Undo::RemoveGolden { namespace }).await?;
    let pod = kept(cx, wanted).await.context(NOT_UP)?;
    cx.guard.let_stand(|undo| matches!(undo, Undo::RemoveGolden { .. })).await?;
    Ok(pod)
}

async fn of_a_job(cx: &Context<'_>, wanted: &GoldenPod<'_>) -> Result<PodRef> {
    let (namespace, name) = (wanted.namespace.to_owned(), job_name(cx.run));
    cx.guard.before_change(Undo::DeleteJob { namespace, name: name.clone() }).await?;
    let lease = cx.guard.lease().await;
    let started = cx.cluster.start_golden(wanted, &name, cx.run, &lease);
    let started = waiting(cx.report, "waiting for the golden Pod; `checkpoint --warm` keeps one", started).await;
    Ok(started.map_err(|error| about_image(error, "pg-image")).context(NOT_UP)?.1)
}

async fn make_claim(cx: &mut Context<'_>) -> Result<()> {
    let Settings { golden_claim: name, golden_size: size, storage_class: class, .. } = cx.settings;
    let namespace = &cx.settings.sandbox.namespace;
    cx.cluster.create_claim(namespace, name, size, class.as_deref()).await?;
    cx.note(format!("made PersistentVolumeClaim {namespace}/{name} of {size} for the checkpoints"));
    cx.summary.rehearsal.claim_created = Some(format!("{namespace}/{name}"));
    Ok(())
}

/// What the Pod is made of. Where any of it changes, another Pod is made.
fn golden_pod<'a>(settings: &'a Settings, found: &GoldenFound) -> GoldenPod<'a> {
    GoldenPod {
        namespace: &settings.sandbox.namespace,
        image: &settings.pg_image,
        secret: &settings.sandbox.secret,
        claim: &settings.golden_claim,
        idle: scripts::IDLE,
        env: environment(settings, &found.host).into_iter().collect(),
    }
}

/// Everything that is the same for each exec.
fn environment(settings: &Settings, host: &str) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut set = |name: &str, value: &str| drop(env.insert(name.to_owned(), value.to_owned()));
    for (name, value) in [
        ("HOME", "/work"),
        ("GOLDEN", ROOT),
        ("CREDENTIALS_DIR", "/credentials"),
        ("PGHOST", host),
        ("PGPORT", &settings.pg_port.to_string()),
        ("PGDATABASE", &settings.sandbox.database),
        ("PGCONNECT_TIMEOUT", "10"),
        ("TABLE_PREFIX", &settings.table_prefix),
        ("MIN_TABLES", &settings.min_tables.to_string()),
        ("SKIP_FUNCTIONS", &settings.skip_functions.join("\n")),
        ("SANDBOX_ROLE", &settings.sandbox_role),
        ("SOURCE_DATABASE", &settings.sandbox.database),
        ("LOCK_TIMEOUT", "30s"),
        ("SESSION_GRACE_SECONDS", "10"),
    ] {
        set(name, value);
    }
    env
}

/// Ends the Pod of a Job; a warm one stays.
pub(super) async fn close(cx: &mut Context<'_>) -> Result<()> {
    cx.guard.settle(|undo| matches!(undo, Undo::DeleteJob { .. })).await?;
    super::super::watchdog::end(cx).await
}

pub(super) async fn cool(cx: &mut Context<'_>) -> Result<()> {
    cx.summary.rehearsal.cooled = Some(cx.cluster.cool(&cx.settings.sandbox.namespace).await?);
    Ok(())
}
