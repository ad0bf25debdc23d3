//! A set read back: every object's size and sum, and what is in it as far as it can be opened here.
use super::shelf::{Shelf, Stored};
use crate::backup::Part;
use crate::backup::manifest::{Database, Extras, Object};
use crate::backup::seal::Sum;
use crate::backup::toc::{Reader, Toc};
use crate::documents::manifest::{Inventory, Packed};
use crate::record;
use crate::report::{Event, Report};
use age::{Identity, IdentityFile};
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use futures::stream::BoxStream;
use futures::{AsyncReadExt, StreamExt, TryStreamExt};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What `pg_restore --list` printed of the dump.
const LIST: &str = "source.list";

pub(super) type Identities = Vec<Box<dyn Identity + Send + Sync>>;

/// What was found in a set; nothing in one that cannot be opened here.
#[derive(Default)]
pub struct Found {
    /// Its dump; of one that is newer than this tool nothing is said.
    pub toc: Option<Toc>,
    /// Its archive of documents.
    pub packed: Option<Packed>,
}

/// Reads the set back, and if it `notes`, writes into the bucket that it is whole.
///
/// # Errors
/// What is not as the manifest says it; the store cannot be reached.
pub async fn read_back(
    shelf: &Shelf,
    set: &Stored,
    (identity, notes): (Option<&Path>, bool),
    report: &dyn Report,
) -> Result<Found> {
    let manifest = &set.manifest;
    let identities = identity.map(identities).transpose()?;
    let opens = !manifest.encrypted || identities.is_some();
    if !opens {
        let text = "the set is encrypted: its objects' sums are compared, but not what is in them; give --age-identity for that";
        report.event(Event::Warning { text: &text });
    }
    let identities = identities.unwrap_or_default();
    let toc = database(shelf, set, (&identities, opens), report).await?;
    let packed = documents(shelf, set, (&identities, opens), report).await?;
    if opens && notes {
        note(shelf, set, Part::Read).await?;
    }
    Ok(Found { toc, packed })
}

/// What the dump holds, as far as it is told: all of its table of contents with all the data, and all that `pg_restore --list` found when
/// it was made.
async fn database(
    shelf: &Shelf,
    set: &Stored,
    (identities, opens): (&Identities, bool),
    report: &dyn Report,
) -> Result<Option<Toc>> {
    let (encrypted, Database { dump, extras, .. }) = (set.manifest.encrypted, &set.manifest.database);
    let (mut reader, mut done, total) = (Reader::default(), 0, Some(dump.content_bytes));
    let look = &mut async |bytes: &[u8]| {
        done += bytes.len() as u64;
        report.event(Event::Moved { done, total });
        reader.feed(bytes)
    };
    object(shelf, dump, (encrypted, identities), look).await?;
    let mut text = Vec::new();
    let look = &mut async |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        Ok(())
    };
    object(shelf, extras, (encrypted, identities), look).await?;
    if !opens {
        return Ok(None);
    }
    let extras: Extras = serde_json::from_slice(&text).with_context(|| format!("cannot read {}", extras.key))?;
    let toc = reader.finish().with_context(|| format!("cannot read {}", dump.key))?;
    match &toc {
        Some(toc) => {
            let list = extras.get(LIST).with_context(|| format!("the set has no {LIST}"))?;
            toc.agrees(list).with_context(|| format!("{} is not the dump that was made", dump.key))?;
        }
        None => {
            let text = "the dump is of a newer version of pg_dump: its sum is right, but its table of contents was not looked at; --restore proves it";
            report.event(Event::Warning { text: &text });
        }
    }
    Ok(toc)
}

/// What the archive holds, if it can be opened: read to its end, each member looked at, counted as when it was made.
pub(super) async fn documents(
    shelf: &Shelf,
    set: &Stored,
    (identities, opens): (&Identities, bool),
    report: &dyn Report,
) -> Result<Option<Packed>> {
    let (encrypted, told) = (set.manifest.encrypted, &set.manifest.documents);
    let (mut inventory, mut done, total) = (Inventory::default(), 0, Some(told.tar.content_bytes));
    let look = &mut async |bytes: &[u8]| {
        done += bytes.len() as u64;
        report.event(Event::Moved { done, total });
        inventory.feed(bytes)
    };
    object(shelf, &told.tar, (encrypted, identities), look).await?;
    if !opens {
        return Ok(None);
    }
    let key = &told.tar.key;
    let packed = inventory.finish().with_context(|| format!("cannot read {key}"))?;
    for (what, found, told) in [
        ("entries", packed.entries, Some(told.entries)),
        ("files", packed.files, Some(told.files)),
        ("bytes in its files", packed.bytes, told.file_bytes),
    ] {
        let told = told.unwrap_or(found);
        ensure!(found == told, "{key} has {found} {what}, not {told}");
    }
    Ok(Some(packed))
}

/// Once is enough.
pub(super) async fn note(shelf: &Shelf, set: &Stored, part: Part) -> Result<()> {
    let key = shelf.key(part, &set.manifest.id, false);
    match shelf.storage.has(&key).await? {
        true => Ok(()),
        false => shelf.storage.write(&key, serde_json::to_vec(&json!({"at": record::now()}))?).await,
    }
}

/// Reads an object to its end, past `look`, and compares its sums.
pub(super) async fn object(
    shelf: &Shelf,
    object: &Object,
    (encrypted, identities): (bool, &Identities),
    look: &mut impl AsyncFnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let (size, stream) = shelf.storage.stream(&object.key).await?;
    ensure!(size == object.bytes, "{} has {size} bytes, not {}", object.key, object.bytes);
    let stored = Arc::new(Mutex::new(Sum::default()));
    let summing = stored.clone();
    let stream =
        stream.inspect_ok(move |bytes| summing.lock().unwrap_or_else(PoisonError::into_inner).add(bytes)).boxed();
    let opened = encrypted && !identities.is_empty();
    let content = contents(stream, (encrypted, opened), identities, look).await;
    let stored = stored.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // The sum first: of what is damaged nothing else makes sense. What could not be opened was not read to its end either.
    let (whole, stored) = (stored.bytes == object.bytes, stored.hex());
    ensure!(!whole || stored == object.sha256, "{} is damaged: not what was stored", object.key);
    let content = content.with_context(|| format!("cannot read {}", object.key))?;
    ensure!(whole, "{} was cut", object.key);
    let readable = opened || !encrypted;
    let content = content.map_or(stored, Sum::hex);
    ensure!(
        !readable || content == object.content_sha256,
        "{} does not hold what was read from its source",
        object.key
    );
    Ok(())
}

/// The content's sum, when `look` has seen it all; `None` where it is just what is stored. What cannot be opened is only read.
async fn contents(
    mut stream: BoxStream<'_, Result<Vec<u8>>>,
    (encrypted, opened): (bool, bool),
    identities: &Identities,
    look: &mut impl AsyncFnMut(&[u8]) -> Result<()>,
) -> Result<Option<Sum>> {
    if !opened {
        // All of it, even if it makes no sense: its sum says why.
        let mut looked = Ok(());
        while let Some(bytes) = stream.try_next().await? {
            if !encrypted {
                looked = match looked {
                    Ok(()) => look(&bytes).await,
                    failed => failed,
                };
            }
        }
        return looked.map(|()| None);
    }
    let mut sum = Sum::default();
    let reader = stream.map_err(|error: Error| std::io::Error::other(format!("{error:#}"))).into_async_read();
    let decryptor = age::Decryptor::new_async(reader).await.context("it is not encrypted by age")?;
    let keys = identities.iter().map(|identity| &**identity as &dyn Identity);
    let mut reader = decryptor.decrypt_async(keys).context("the identity does not open it")?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).await.context("damaged")? {
            0 => return Ok(Some(sum)),
            count => {
                sum.add(&buffer[..count]);
                look(&buffer[..count]).await?;
            }
        }
    }
}

pub(super) fn identities(path: &Path) -> Result<Identities> {
    let file = IdentityFile::from_file(path.display().to_string());
    let file = file.with_context(|| format!("cannot read the age identity {}", path.display()))?;
    file.into_identities().map_err(|error| anyhow!("the age identity {}: {error}", path.display()))
}
