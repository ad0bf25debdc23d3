//! A set read back: every object's size and sum, and what is in it as far as it can be opened here.
use super::shelf::{Shelf, Stored};
use crate::backup::Part;
use crate::backup::manifest::{Extras, Object};
use crate::backup::seal::Sum;
use crate::documents::archive::{Piece, Reader};
use crate::record;
use crate::report::{Event, Report};
use age::{Identity, IdentityFile};
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use futures::stream::BoxStream;
use futures::{AsyncReadExt, StreamExt, TryStreamExt};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What `pg_dump -Fc` begins with.
const DUMP_HEAD: &[u8] = b"PGDMP";

pub(super) type Identities = Vec<Box<dyn Identity + Send + Sync>>;

/// Reads the set back, and if it `notes`, writes into the bucket that it is whole.
///
/// # Errors
/// What is not as the manifest says it; the store cannot be reached.
pub async fn read_back(
    shelf: &Shelf,
    set: &Stored,
    (identity, notes): (Option<&Path>, bool),
    report: &dyn Report,
) -> Result<()> {
    let manifest = &set.manifest;
    let identities = identity.map(identities).transpose()?;
    let opens = !manifest.encrypted || identities.is_some();
    if !opens {
        let text = "the set is encrypted: its objects' sums are compared, but not what is in them; give --age-identity for that";
        report.event(Event::Warning { text: &text });
    }
    let identities = identities.unwrap_or_default();
    database(shelf, set, &identities, opens).await?;
    documents(shelf, set, &identities, opens).await?;
    match opens && notes {
        true => note(shelf, set, Part::Read).await,
        false => Ok(()),
    }
}

async fn database(shelf: &Shelf, set: &Stored, identities: &Identities, opens: bool) -> Result<()> {
    let manifest = &set.manifest;
    let mut head = Vec::new();
    let look = &mut async |bytes: &[u8]| {
        head.extend_from_slice(&bytes[..bytes.len().min(DUMP_HEAD.len().saturating_sub(head.len()))]);
        Ok(())
    };
    object(shelf, &manifest.database.dump, (manifest.encrypted, identities), look).await?;
    ensure!(!opens || head == DUMP_HEAD, "{} is no dump of pg_dump", manifest.database.dump.key);
    let mut extras = Vec::new();
    let look = &mut async |bytes: &[u8]| {
        extras.extend_from_slice(bytes);
        Ok(())
    };
    object(shelf, &manifest.database.extras, (manifest.encrypted, identities), look).await?;
    if opens {
        let read: serde_json::Result<Extras> = serde_json::from_slice(&extras);
        read.with_context(|| format!("cannot read {}", manifest.database.extras.key))?;
    }
    Ok(())
}

async fn documents(shelf: &Shelf, set: &Stored, identities: &Identities, opens: bool) -> Result<()> {
    let manifest = &set.manifest;
    let (mut reader, mut entries) = (Reader::default(), 0);
    let look = &mut async |bytes: &[u8]| {
        reader.feed(bytes, &mut |piece| {
            entries += u64::from(matches!(piece, Piece::Member(_)));
            Ok(())
        })
    };
    object(shelf, &manifest.documents.tar, (manifest.encrypted, identities), look).await?;
    if opens {
        reader.finish().with_context(|| format!("{} has no end", manifest.documents.tar.key))?;
        let told = manifest.documents.entries;
        ensure!(entries == told, "{} has {entries} entries, not {told}", manifest.documents.tar.key);
    }
    Ok(())
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
    let whole = stored.bytes == object.bytes;
    ensure!(!whole || stored.hex() == object.sha256, "{} is damaged: not what was stored", object.key);
    let content = content.with_context(|| format!("cannot read {}", object.key))?;
    ensure!(whole, "{} was cut", object.key);
    let readable = opened || !encrypted;
    ensure!(
        !readable || content.hex() == object.content_sha256,
        "{} does not hold what was read from its source",
        object.key
    );
    Ok(())
}

/// The content's sum, when `look` has seen it all. What cannot be opened is only read.
async fn contents(
    mut stream: BoxStream<'_, Result<Vec<u8>>>,
    (encrypted, opened): (bool, bool),
    identities: &Identities,
    look: &mut impl AsyncFnMut(&[u8]) -> Result<()>,
) -> Result<Sum> {
    let mut sum = Sum::default();
    if !opened {
        // All of it, even if it makes no sense: its sum says why.
        let mut looked = Ok(());
        while let Some(bytes) = stream.try_next().await? {
            sum.add(&bytes);
            if !encrypted {
                looked = match looked {
                    Ok(()) => look(&bytes).await,
                    failed => failed,
                };
            }
        }
        return looked.map(|()| sum);
    }
    let reader = stream.map_err(|error: Error| std::io::Error::other(format!("{error:#}"))).into_async_read();
    let decryptor = age::Decryptor::new_async(reader).await.context("it is not encrypted by age")?;
    let keys = identities.iter().map(|identity| &**identity as &dyn Identity);
    let mut reader = decryptor.decrypt_async(keys).context("the identity does not open it")?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).await.context("damaged")? {
            0 => return Ok(sum),
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
