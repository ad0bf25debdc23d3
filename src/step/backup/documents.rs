//! The documents: the whole root as one tar archive, counted on its way.
use super::super::Context;
use super::{environment, transport};
use crate::backup::Part;
use crate::backup::manifest::Documents;
use crate::cluster::exec::{Ended, unsuccessful};
use crate::documents::manifest::{Inventory, Packed};
use crate::documents::{ARCHIVE_SCRIPT, meaning, sent};
use crate::report::many;
use anyhow::{Context as _, Result, bail};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// GNU tar's way of saying that files changed under its hands, or went.
const CHANGED: i32 = 21;
/// busybox tar's way of saying that, and any tar's of saying that it failed: what it complains of tells which.
const NOT_ALL: i32 = 22;

pub(in crate::step) async fn store(cx: &mut Context<'_>) -> Result<()> {
    let settings = cx.settings;
    let found = cx.found.backup.as_ref().context("a bug: the preflight did not look at what is backed up")?;
    let namespace = &environment(settings).namespace;
    let pod = cx.cluster.ready_pod(namespace, &found.selector, settings.container.as_deref()).await?;
    let text = sent(ARCHIVE_SCRIPT);
    let mut argv = vec!["sh", "-c", &text, "sh", &settings.documents_root];
    argv.extend(settings.backups.exclude.iter().map(String::as_str));
    let (inventory, packed) = (Mutex::new(Inventory::default()), Mutex::new(Packed::default()));
    let mut look = |bytes: &[u8]| lock(&inventory).feed(bytes);
    let judge = |carried: &transport::Carried| {
        match &carried.ended {
            Ended::Code(0 | CHANGED) => {}
            Ended::Code(NOT_ALL) if carried.complaints.stopped => {
                bail!("a file became shorter while it was read, where busybox's tar gives up: run the backup again")
            }
            Ended::Code(NOT_ALL) if carried.complaints.lively > 0 && carried.complaints.serious.is_empty() => {}
            Ended::Code(code) if meaning(*code).is_some() => {
                bail!("{}: {}", meaning(*code).unwrap_or_default(), carried.last_words)
            }
            ended => bail!("tar {}", unsuccessful(ended, &carried.last_words)),
        }
        // An archive that could not be brought back is no backup.
        *lock(&packed) = mem::take(&mut *lock(&inventory)).finish()?;
        Ok(())
    };
    let key = cx.shelf()?.key(Part::Documents, &cx.backup.set.id, cx.backup.set.encrypted);
    let carried = transport::carry(cx, (&pod, &argv, None), &key, &mut look, &judge).await;
    let carried = carried.with_context(|| format!("could not store the documents of {pod}"))?;
    let (entries, files, file_bytes) = {
        let packed = lock(&packed);
        (packed.entries, packed.files, Some(packed.bytes))
    };
    let changed = carried.complaints.lively;
    if carried.ended != Ended::Code(0) {
        let what = "changed or went while they were read, and may be torn or missing";
        cx.warn(format!("{} {what}: {}", many(changed, "file"), carried.last_words));
    }
    let (root, excluded) = (settings.documents_root.clone(), settings.backups.exclude.clone());
    cx.backup.set.documents = Documents { tar: carried.object, root, excluded, files, entries, file_bytes };
    Ok(())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
