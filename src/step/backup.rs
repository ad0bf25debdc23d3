//! A backup: database and documents into the bucket, each as it comes, then the manifest, then what falls is removed.
//!
//! The tool itself speaks to the bucket, so no Pod ever has its key. The dump waits in the Job's Pod and is read from there by exec; the
//! documents are read by exec of `tar` in the Pod that has them: a volume that only one node may mount cannot be mounted by a Job.
mod bring;
mod database;
mod documents;
mod receive;
pub mod shelf;
mod transport;
pub mod verify;

use super::{Context, Step};
use crate::backup::manifest::{FORMAT, Manifest};
use crate::backup::{self, Part};
use crate::cli::Side;
use crate::cluster::FIELD_MANAGER;
use crate::record;
use crate::settings::{Environment, Settings};
use crate::summary::Backed;
use anyhow::{Context as _, Result, ensure};
pub(super) use bring::{bring as bring_documents, read as read_documents};
pub(super) use database::{start, store as store_database};
pub(super) use documents::store as store_documents;
use jiff::Timestamp;
pub(super) use receive::{find, note_restored, read, receive, start_receiver};
use shelf::Shelf;

/// What one step leaves to the next.
#[derive(Default)]
pub struct State {
    shelf: Option<Shelf>,
    /// The set as far as it has come.
    set: Manifest,
    /// The set that the sandbox is brought to.
    from: Option<receive::Chosen>,
}

impl State {
    /// To be called when a run is over, however it ended: takes the parts of its unfinished uploads back.
    ///
    /// # Errors
    /// The store cannot be reached, refuses, or does not list uploads; the parts stay until a later prune.
    pub async fn let_go(&self) -> Result<()> {
        match &self.shelf {
            Some(shelf) => shelf.storage.let_go().await,
            None => Ok(()),
        }
    }
}

impl Context<'_> {
    fn shelf(&self) -> Result<&Shelf> {
        self.backup.shelf.as_ref().context("a bug: the bucket is not open")
    }
}

/// Whose backup it is.
fn environment(settings: &Settings) -> &Environment {
    match settings.wanted.side {
        Side::Prod => &settings.prod,
        Side::Sandbox => &settings.sandbox,
    }
}

pub(super) fn title(step: Step) -> Option<&'static str> {
    Some(match step {
        Step::OpenBucket => "Open the bucket",
        Step::StartDump => "Start the Job",
        Step::StoreDatabase => "Dump the database into the bucket",
        Step::StoreDocuments => "Copy the documents into the bucket",
        Step::SealSet => "Complete the set",
        Step::PruneSets => "Remove the sets that no rule keeps",
        Step::FindSet => "Find the backup",
        Step::ReadSet => "Read the backup to its end",
        Step::ReadDocuments => "Read the backup's documents",
        Step::StartReceiver => "Start the Job",
        Step::ReceiveSet => "Bring the backup's dump into the Job",
        Step::BringDocuments => "Bring the documents to the backup",
        Step::NoteRestored => "Note that the backup was restored",
        _ => return None,
    })
}

pub(super) fn touches(step: Step, settings: &Settings) -> Option<Vec<String>> {
    let from = environment(settings);
    let namespace = &settings.sandbox.namespace;
    let (job, secret) = (super::refresh_job::name("RUN"), super::refresh_job::secret_name("RUN"));
    let key = |part: Part| {
        let key = part.key("SET", !settings.backups.recipients.is_empty());
        format!("create {}/{key} in the bucket", Shelf::base(settings))
    };
    Some(match step {
        Step::OpenBucket => vec![format!("list {} in the bucket", Shelf::base(settings))],
        Step::StartDump => vec![
            format!("create Job {namespace}/{job}, image {}", settings.pg_image),
            format!(
                "create Secret {namespace}/{secret}: a copy of {}/{}, owned by the Job",
                from.namespace, from.secret
            ),
        ],
        Step::StoreDatabase => vec![
            format!("read database {} in one read-only snapshot", from.database),
            key(Part::Dump),
            key(Part::Extras),
            format!("delete Job {namespace}/{job} and its Secret"),
        ],
        Step::StoreDocuments => vec![
            format!("read {} in the Pod of Deployment {}/{}", settings.documents_root, from.namespace, from.deployment),
            key(Part::Documents),
        ],
        Step::SealSet => vec![key(Part::Manifest)],
        Step::PruneSets => vec![format!(
            "delete the sets that no retention rule keeps, and old debris, in {} of the bucket",
            Shelf::base(settings)
        )],
        _ => return receive::touches(step, settings),
    })
}

/// A key that does not fit, or a bucket that is not there, is found before anything is asked of a database.
pub(super) async fn open(cx: &mut Context<'_>) -> Result<()> {
    let shelf = Shelf::open(cx.settings, cx.cluster).await?;
    let now = Timestamp::now();
    let begun_at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    let id = backup::id(begun_at, cx.run);
    shelf.objects().await?;
    cx.backup.set = Manifest {
        format: FORMAT,
        id,
        environment: cx.settings.wanted.side.name().to_owned(),
        begun_at,
        tool: format!("{FIELD_MANAGER} {}", env!("CARGO_PKG_VERSION")),
        run: cx.run.to_owned(),
        by: cx.guard.holder().await,
        encrypted: !cx.settings.backups.recipients.is_empty(),
        ..Manifest::default()
    };
    cx.backup.shelf = Some(shelf);
    Ok(())
}

/// From here on the set exists.
pub(super) async fn seal(cx: &mut Context<'_>) -> Result<()> {
    cx.backup.set.ended_at = record::now();
    cx.backup.set.warnings.clone_from(&cx.summary.warnings);
    let (shelf, set) = (cx.shelf()?, &cx.backup.set);
    // A prune elsewhere takes what has no manifest for debris after a day, and this run may have taken longer.
    for object in set.objects() {
        let there = shelf.storage.size(&object.key).await?;
        ensure!(there == Some(object.bytes), "{} is not in the bucket any more as it was stored", object.key);
    }
    cx.guard.prove_lease().await?;
    let manifest = shelf.write_manifest(set).await?;
    cx.summary.backup = Some(Backed {
        set: set.id.clone(),
        environment: set.environment.clone(),
        manifest,
        encrypted: set.encrypted,
        bytes: set.bytes(),
        dump_bytes: set.database.dump.bytes,
        tables: set.database.tables.len() as u64,
        rows: set.database.rows,
        documents_bytes: set.documents.tar.bytes,
        files: set.documents.files,
        pruned: Vec::new(),
    });
    Ok(())
}

pub(super) async fn prune(cx: &mut Context<'_>) -> Result<()> {
    let pruned = async {
        let mut falls = cx.shelf()?.falls(cx.settings.backups.policy, Timestamp::now()).await?;
        // Where a run beside this one was begun later and is done already, theirs is the day's newest.
        falls.spare(&cx.backup.set.id);
        cx.shelf()?.remove(&falls).await?;
        Ok::<_, anyhow::Error>(falls)
    };
    let falls =
        pruned.await.context("the new set stands, but those that no retention rule keeps could not be removed")?;
    for set in &falls.sets {
        cx.note(format!("removed set {set}"));
    }
    if let Some(unlisted) = &falls.unlisted {
        cx.warn(unlisted);
    }
    if let Some(backed) = &mut cx.summary.backup {
        backed.pruned = falls.sets;
    }
    Ok(())
}
