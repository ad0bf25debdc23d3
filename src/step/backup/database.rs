//! The database: dumped by the refresh's own script into the Job's Pod, read from there.
use super::super::{Context, Running, refresh_job};
use super::{environment, transport};
use crate::backup::Part;
use crate::backup::manifest::{Counted, Database, Extras};
use crate::cli::Side;
use crate::cluster::exec::{Ended, PodRef, unsuccessful};
use crate::cluster::job::{Container, RefreshJob};
use crate::cluster::transfer::Given;
use crate::golden::scripts::IDLE;
use crate::undo::Undo;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// The container in which the dump waits to be read.
const HOLD: &str = "hold";
const DIRECTORY: &str = "/work";
/// What a restore needs beside the dump.
const EXTRAS: [&str; 5] = ["source.list", "source.tables", "source.identity", "source.skipped", "source.manifest"];

pub(in crate::step) async fn start(cx: &mut Context<'_>) -> Result<()> {
    let found = cx.found.backup.as_ref().context("a bug: the preflight did not look at what is backed up")?;
    let namespace = cx.settings.sandbox.namespace.clone();
    let (job, secret) = (refresh_job::name(cx.run), refresh_job::secret_name(cx.run));
    cx.guard.before_change(Undo::DeleteSecret { namespace: namespace.clone(), name: secret.clone() }).await?;
    cx.guard.before_change(Undo::DeleteJob { namespace: namespace.clone(), name: job.clone() }).await?;
    let from = environment(cx.settings);
    let reads = if from == &cx.settings.prod { refresh_job::PRODUCTION } else { "the sandbox" };
    let env = refresh_job::environment((cx.settings, cx.run), &found.host, &from.database, &secret);
    let owner = cx
        .cluster
        .start_job(&RefreshJob {
            namespace: &namespace,
            name: &job,
            run: cx.run,
            lease: &cx.guard.lease().await,
            image: &cx.settings.pg_image,
            dump: refresh_job::dumping(cx, reads, env),
            restore: Container { name: HOLD, script: IDLE, env: Vec::new() },
        })
        .await?;
    cx.cluster.copy_credentials(&found.credentials, &owner, &secret).await?;
    cx.job = Some(Running { owner, log: None });
    Ok(())
}

pub(in crate::step) async fn store(cx: &mut Context<'_>) -> Result<()> {
    refresh_job::dumped(cx, HOLD).await?;
    let pod = {
        let namespace = cx.settings.sandbox.namespace.clone();
        let log = refresh_job::running(cx)?.log.as_ref().context("a bug: nobody follows the Job")?;
        PodRef { namespace, pod: log.pod().to_owned(), container: Some(HOLD.to_owned()) }
    };
    let database = read(cx, &pod).await.context("could not store the database's dump")?;
    cx.backup.set.database = database;
    // The copy of the credentials has done its work.
    refresh_job::remove(cx).await
}

async fn read(cx: &Context<'_>, pod: &PodRef) -> Result<Database> {
    let (id, encrypted) = (cx.backup.set.id.clone(), cx.backup.set.encrypted);
    let counted = cx.summary.database.as_ref().context("a bug: nothing was counted")?;
    let data_read_at = data_read_at(cx).await;
    let dump = format!("{DIRECTORY}/source.dump");
    let sum = text(cx, pod, &["sha256sum", &dump]).await?;
    let sum = sum.split_whitespace().next().unwrap_or_default().to_owned();
    let judge = |carried: &transport::Carried| {
        ensure!(carried.ended == Ended::Code(0), "reading it {}", unsuccessful(&carried.ended, &carried.last_words));
        let object = &carried.object;
        ensure!(
            object.content_bytes == counted.dump_bytes && object.content_sha256 == sum,
            "{} of {} bytes arrived, or others than were sent",
            object.content_bytes,
            counted.dump_bytes
        );
        Ok(())
    };
    let key = cx.shelf()?.key(Part::Dump, &id, encrypted);
    let carried =
        transport::carry(cx, (pod, &["cat", &dump], Some(counted.dump_bytes)), &key, &mut |_| Ok(()), &judge).await?;
    let extras = extras(cx, pod).await?;
    let manifest: Counted = serde_json::from_str(&extras["source.manifest"]).context("cannot read source.manifest")?;
    let identity: Value = serde_json::from_str(&extras["source.identity"]).context("cannot read source.identity")?;
    let told = |name: &str| identity["identity"][name].as_str().map(str::to_owned);
    let key = cx.shelf()?.key(Part::Extras, &id, encrypted);
    Ok(Database {
        dump: carried.object,
        extras: transport::write(cx, &key, serde_json::to_vec(&extras)?).await?,
        name: environment(cx.settings).database.clone(),
        server: told("server").unwrap_or_default(),
        system_identifier: told("system_identifier"),
        read_at: cx.summary.data_read_at.clone().unwrap_or_default(),
        data_read_at,
        rows: counted.rows,
        sequences: counted.sequences,
        tables: manifest.tables,
    })
}

async fn extras(cx: &Context<'_>, pod: &PodRef) -> Result<Extras> {
    let mut extras = Extras::new();
    for name in EXTRAS {
        extras.insert(name.to_owned(), text(cx, pod, &["cat", &format!("{DIRECTORY}/{name}")]).await?);
    }
    Ok(extras)
}

/// When the data that is in the sandbox was read from production: what brings the sandbox back there brings that back, too.
async fn data_read_at(cx: &Context<'_>) -> Option<String> {
    if cx.settings.wanted.side == Side::Prod {
        return None;
    }
    // No run depends on the record.
    let record = cx.cluster.record(&cx.settings.sandbox.namespace).await;
    record.map_err(|error| tracing::debug!("{error:#}")).ok().flatten()?.data_read_at.map(|time| time.to_string())
}

/// A small command's output, whole.
async fn text(cx: &Context<'_>, pod: &PodRef, argv: &[&str]) -> Result<String> {
    let mut reading = cx.cluster.read_from(pod, argv).await?;
    let mut text = Vec::new();
    loop {
        match reading.next().await? {
            Given::Bytes(bytes) => text.extend(bytes),
            Given::Ended(Ended::Code(0), _) => break,
            Given::Ended(ended, last_words) => bail!("{} {}", argv.join(" "), unsuccessful(&ended, &last_words)),
        }
    }
    String::from_utf8(text).with_context(|| format!("what {} gave is no text", argv.join(" ")))
}
