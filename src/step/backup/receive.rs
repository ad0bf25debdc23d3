//! A backup's database into the sandbox: the set comes from the bucket into the Job's Pod, where `restore` finds it as if dumped there.
//!
//! Production is not asked for anything. What is encrypted is opened here, and no Pod ever has the bucket's key or age's.
use super::super::{Context, Running, Step, about_image, refresh_job, waiting};
use super::shelf::{Shelf, Stored};
use super::verify;
use crate::backup::Part;
use crate::backup::manifest::Extras;
use crate::backup::seal::Sum;
use crate::cli::Side;
use crate::cluster::exec::{Ended, PodRef, unsuccessful};
use crate::cluster::job::{Container, Env, RefreshJob};
use crate::cluster::talk::{Spoken, Talk};
use crate::documents::frames::Framer;
use crate::documents::manifest::Packed;
use crate::jobs;
use crate::report::Event;
use crate::settings::Settings;
use crate::summary::{Database, FromBackup};
use crate::undo::Undo;
use anyhow::{Context as _, Result, anyhow, bail, ensure};

/// The container that waits for the set.
const RECEIVE: &str = "receive";
const DUMP: &str = "source.dump";
const MANIFEST: &str = "source.manifest";

/// The set, its small files, and what its documents are, once they have been read.
pub(super) struct Chosen {
    pub(super) stored: Stored,
    extras: Extras,
    pub(super) identities: verify::Identities,
    pub(super) packed: Option<Packed>,
}

pub(super) fn chosen<'a>(cx: &'a Context<'_>) -> Result<&'a Chosen> {
    cx.backup.from.as_ref().context("a bug: no set was chosen")
}

pub(super) fn touches(step: Step, settings: &Settings) -> Option<Vec<String>> {
    let base = Shelf::base(settings);
    let note = |part: Part| format!("create {base}/{} in the bucket", part.key("SET", false));
    Some(match step {
        Step::FindSet => vec![format!("read the manifest of a set in {base} of the bucket")],
        Step::ReadSet => vec!["read all objects of the set".to_owned(), note(Part::Read)],
        Step::ReadDocuments => vec!["read the documents of the set".to_owned()],
        Step::StartReceiver => {
            let (namespace, job) = (&settings.sandbox.namespace, refresh_job::name("RUN"));
            vec![format!("create Job {namespace}/{job}, image {}", settings.pg_image)]
        }
        Step::ReceiveSet => vec!["read the dump from the bucket; production is not asked for anything".to_owned()],
        Step::BringDocuments => {
            let sandbox = &settings.sandbox;
            let of = format!("of Deployment {}/{} equal to the backup's", sandbox.namespace, sandbox.deployment);
            let trees = settings.documents_trees.iter();
            trees.map(|tree| format!("make {}/{tree} {of}", settings.documents_root)).collect()
        }
        Step::NoteRestored => vec![note(Part::Restored)],
        _ => return None,
    })
}

/// A set that cannot be opened here is found before anything is begun.
pub(in crate::step) async fn find(cx: &mut Context<'_>) -> Result<()> {
    let shelf = Shelf::open(cx.settings, cx.cluster).await?;
    let backups = &cx.settings.backups;
    let stored = shelf.find(cx.settings.wanted.set.as_deref(), backups.policy).await?;
    let manifest = &stored.manifest;
    let identities = backups.identity.as_deref().map(verify::identities).transpose()?;
    let closed = manifest.encrypted && identities.is_none();
    ensure!(!closed, "set {} is encrypted: give the private key's file by --age-identity", manifest.id);
    let identities = identities.unwrap_or_default();
    let mut text = Vec::new();
    let look = &mut async |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        Ok(())
    };
    verify::object(&shelf, &manifest.database.extras, (manifest.encrypted, &identities), look).await?;
    let extras: Extras = serde_json::from_slice(&text)
        .with_context(|| format!("cannot read {} of the bucket", manifest.database.extras.key))?;
    ensure!(extras.contains_key(MANIFEST), "{} has no {MANIFEST} in it", manifest.database.extras.key);
    cx.note(format!("set {}, data as of {}", manifest.id, manifest.database.read_at));
    if cx.settings.wanted.set.is_none() && !stored.beside.is_empty() {
        cx.warn(format!(
            "{} has sets of database {} as well; the newest of all is taken, of {}: name a set to choose",
            shelf.place(),
            stored.beside.join(" and "),
            manifest.origin()
        ));
    }
    cx.backup.from = Some(Chosen { stored, extras, identities, packed: None });
    cx.backup.shelf = Some(shelf);
    Ok(())
}

/// All of it, the documents too, before anything is done with it.
pub(in crate::step) async fn read(cx: &mut Context<'_>) -> Result<()> {
    let set = &chosen(cx)?.stored;
    let identity = cx.settings.backups.identity.as_deref();
    let read = verify::read_back(cx.shelf()?, set, (identity, true), cx.report).await;
    let found = read.with_context(|| format!("set {} cannot be trusted", set.manifest.id))?;
    super::bring::keep(cx, found.packed)
}

pub(in crate::step) async fn start_receiver(cx: &mut Context<'_>) -> Result<()> {
    let host = cx.found.target_host.as_ref().context("a bug: the preflight looked at no database")?;
    cx.is_not_production(host)?;
    let namespace = cx.settings.sandbox.namespace.clone();
    let job = refresh_job::name(cx.run);
    cx.guard.before_change(Undo::DeleteJob { namespace: namespace.clone(), name: job.clone() }).await?;
    let from = chosen(cx)?;
    let database = &from.stored.manifest.database;
    let set = refresh_job::Set {
        source: if cx.settings.wanted.side == Side::Sandbox { "own-backup" } else { "backup" },
        database: &database.name,
        sha256: format!("{} {}", database.dump.content_sha256, sum(&from.extras[MANIFEST])),
    };
    let env = ["HOME", "TMPDIR", "SET_DIR"].map(|name| Env::Plain(name, "/work".to_owned()));
    let text = Env::Plain("RECEIVE_FILE_SH", jobs::RECEIVE_FILE.to_owned());
    let owner = cx
        .cluster
        .start_job(&RefreshJob {
            namespace: &namespace,
            name: &job,
            run: cx.run,
            lease: &cx.guard.lease().await,
            image: &cx.settings.pg_image,
            dump: Container { name: RECEIVE, script: jobs::RECEIVE, env: env.into_iter().chain([text]).collect() },
            restore: refresh_job::restore_container(cx, host, &set),
        })
        .await?;
    cx.job = Some(Running { owner, log: None });
    Ok(())
}

/// Ends when the set is in the Pod, and `restore` looks at the sandbox.
pub(in crate::step) async fn receive(cx: &mut Context<'_>) -> Result<()> {
    let owner = refresh_job::running(cx)?.owner.clone();
    let started = cx.cluster.container_started(&owner, RECEIVE, refresh_job::START_LIMIT);
    let started = waiting(cx.report, "waiting for the Pod", started).await;
    started.map_err(|error| about_image(error, "pg-image"))?;
    let log = cx.cluster.follow(&owner, RECEIVE).await?;
    let pod = log.pod().to_owned();
    let place = PodRef { namespace: owner.namespace.clone(), pod: pod.clone(), container: Some(RECEIVE.to_owned()) };
    send(cx, &place).await.context("could not bring the backup into the Job")?;
    // The container may end before the answer is out: what counts is that the next one starts.
    let said = cx.cluster.say(&owner, &pod, RECEIVE, "received").await;
    let manifest = chosen(cx)?.stored.manifest.clone();
    let database = &manifest.database;
    // The sandbox's data is as old as production's that it was made of, not as the backup.
    cx.summary.data_read_at = match cx.settings.wanted.side {
        Side::Prod => Some(database.read_at.clone()),
        Side::Sandbox => database.data_read_at.clone(),
    };
    cx.summary.database = Some(Database {
        tables: database.tables.len() as u64,
        rows: database.rows,
        sequences: database.sequences,
        dump_bytes: database.dump.content_bytes,
        put_back: None,
    });
    let dump_sha256 = manifest.database.dump.sha256.clone();
    let (set, environment) = (manifest.id, manifest.environment);
    cx.summary.from_backup = Some(FromBackup { set, environment, noted: false, dump_sha256, documents_sha256: None });
    let started = cx.cluster.container_started(&owner, jobs::RESTORE.name, refresh_job::RESTORE_START_LIMIT).await;
    started.map_err(|error| said.err().unwrap_or(error))?;
    refresh_job::running(cx)?.log = Some(cx.cluster.follow(&owner, jobs::RESTORE.name).await?);
    Ok(())
}

/// What was restored was proved equal to the set before it was committed.
pub(in crate::step) async fn note_restored(cx: &mut Context<'_>) -> Result<()> {
    verify::note(cx.shelf()?, &chosen(cx)?.stored, Part::Restored).await?;
    if let Some(from) = &mut cx.summary.from_backup {
        from.noted = true;
    }
    Ok(())
}

async fn send(cx: &Context<'_>, pod: &PodRef) -> Result<()> {
    let Chosen { stored, extras, identities, .. } = chosen(cx)?;
    for (name, text) in extras {
        let mut file = Sending::open(cx, pod, name, text.len() as u64, &sum(text)).await?;
        file.push(text.as_bytes()).await?;
        file.end().await?;
    }
    let manifest = &stored.manifest;
    let dump = &manifest.database.dump;
    let mut file = Sending::open(cx, pod, DUMP, dump.content_bytes, &dump.content_sha256).await?;
    let (mut done, total) = (0, Some(dump.content_bytes));
    let look = &mut async |bytes: &[u8]| {
        file.push(bytes).await?;
        done += bytes.len() as u64;
        cx.report.event(Event::Moved { done, total });
        Ok(())
    };
    verify::object(cx.shelf()?, dump, (manifest.encrypted, identities), look).await?;
    file.end().await
}

fn sum(text: &str) -> String {
    let mut sum = Sum::default();
    sum.add(text.as_bytes());
    sum.hex()
}

/// One file on its way. Without [`Sending::end`] the Pod knows that it was cut.
struct Sending {
    name: String,
    talk: Talk,
    framer: Framer,
}

impl Sending {
    async fn open(cx: &Context<'_>, pod: &PodRef, name: &str, bytes: u64, sha256: &str) -> Result<Self> {
        let run = "exec sh -c \"$RECEIVE_FILE_SH\" sh \"$@\"";
        let argv = ["sh", "-c", run, "sh", name, &bytes.to_string(), sha256];
        let talk = cx.cluster.talk(pod, &argv).await?;
        Ok(Self { name: name.to_owned(), talk, framer: Framer::default() })
    }

    async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in self.framer.push(bytes) {
            self.talk.give(chunk).await.with_context(|| format!("sending {}", self.name))?;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        for chunk in self.framer.end() {
            self.talk.give(chunk).await.with_context(|| format!("sending {}", self.name))?;
        }
        loop {
            match self.talk.next().await? {
                Spoken::Line(_) => {}
                Spoken::Ended(Ended::Code(0)) => return Ok(()),
                Spoken::Ended(Ended::Code(code)) if jobs::receiving(code).is_some() => {
                    bail!("{}: {}", self.name, jobs::receiving(code).unwrap_or_default())
                }
                Spoken::Ended(ended) => {
                    return Err(anyhow!("{} {}", self.name, unsuccessful(&ended, &self.talk.last_words())));
                }
            }
        }
    }
}
