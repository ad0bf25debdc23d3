//! A big object, written in parts as it comes.
use super::Storage;
use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use object_store::client::HttpErrorKind;
use object_store::path::Path;
use object_store::retry::{RetryContext, RetryFailure, RetryPolicy};
use object_store::{MultipartUpload, ObjectStore, PutMultipartOptions, PutPayload};
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// One is filled while one is sent: twice this is what an upload takes of memory.
const PART: usize = 16 << 20;
/// What S3 allows.
const PARTS: u64 = 10_000;
/// The longest object: 156 GiB.
pub const LONGEST: u64 = PARTS * PART as u64;

/// A store that is away for so long does not cost an upload of hours.
const OUTAGE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(5);
/// A part on which nothing moves is sent this often.
const STALLED_AT_MOST: usize = 2;

/// When a part is begun anew, with a signature of its own, after its requests have failed again and again.
#[derive(Debug)]
struct Persistence;

#[async_trait]
impl RetryPolicy for Persistence {
    async fn retry(&self, context: RetryContext) -> bool {
        let passing = match context.failure {
            RetryFailure::Status(status) => status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
            RetryFailure::Transport(HttpErrorKind::Timeout | HttpErrorKind::Unknown) => {
                context.attempt < STALLED_AT_MOST
            }
            RetryFailure::Transport(kind) => kind != HttpErrorKind::Decode,
            _ => false,
        };
        let again = passing && context.elapsed < OUTAGE;
        if again {
            tracing::info!("a part was not stored ({:?}), and is sent again", context.failure);
            sleep(PAUSE).await;
        }
        again
    }
}

/// Becomes an object at [`Upload::finish`] and never before. The parts of one that is dropped lie in the store until [`Storage::let_go`].
pub struct Upload<'a> {
    storage: &'a Storage,
    key: String,
    upload: Box<dyn MultipartUpload>,
    filling: BytesMut,
    sending: JoinSet<object_store::Result<()>>,
    /// What is being sent, to be filled again: memory that is given back and asked for anew is not all given back.
    sent: Bytes,
    bytes: u64,
}

impl Storage {
    /// # Errors
    /// There is an object already; the store cannot be reached, or refuses.
    pub async fn upload(&self, key: &str) -> Result<Upload<'_>> {
        self.must_be_free(key).await?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
        let options = PutMultipartOptions::default().with_retry_policy(Arc::new(Persistence));
        let begun = self.store.put_multipart_opts(&Path::from(key), options).await;
        let upload = begun.map_err(|error| self.failed("write", key, error))?;
        let (filling, sent) = (BytesMut::with_capacity(PART), Bytes::new());
        Ok(Upload { storage: self, key: key.to_owned(), upload, filling, sending: JoinSet::new(), sent, bytes: 0 })
    }
}

impl Upload<'_> {
    /// # Errors
    /// A part was refused, with all its repetitions; the object would be longer than [`LONGEST`].
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        ensure!(self.bytes <= LONGEST, "{} would be longer than {PARTS} parts of {} MiB", self.key, PART >> 20);
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PART - self.filling.len()));
            self.filling.extend_from_slice(now);
            bytes = later;
            if self.filling.len() == PART {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// The part before must be there first: no more than one is under way.
    async fn send(&mut self) -> Result<()> {
        self.all_is_there().await?;
        let mut emptied = mem::take(&mut self.sent).try_into_mut().unwrap_or_default();
        emptied.clear();
        emptied.reserve(PART);
        let part = mem::replace(&mut self.filling, emptied).freeze();
        self.sent = part.clone();
        self.sending.spawn(self.upload.put_part(PutPayload::from(part)));
        Ok(())
    }

    async fn all_is_there(&mut self) -> Result<()> {
        while let Some(sent) = self.sending.join_next().await {
            let sent = sent.map_err(|error| anyhow!("sending a part of {} broke off: {error}", self.key))?;
            sent.map_err(|error| self.storage.failed("write", &self.key, error))?;
        }
        Ok(())
    }

    /// Makes the object of its parts; its size.
    ///
    /// # Errors
    /// As [`Upload::push`]; an object has come to be there meanwhile.
    pub async fn finish(&mut self) -> Result<u64> {
        if !self.filling.is_empty() || self.bytes == 0 {
            self.send().await?;
        }
        self.all_is_there().await?;
        self.storage.must_be_free(&self.key).await?;
        if let Err(error) = self.upload.complete().await {
            // Where the answer to one that succeeded was lost, its repetition finds no upload. Nobody else writes to a run's key.
            let there = self.storage.size(&self.key).await;
            if !matches!(there, Ok(Some(bytes)) if bytes == self.bytes) {
                return Err(self.storage.failed("write", &self.key, error));
            }
        }
        Ok(self.bytes)
    }
}
