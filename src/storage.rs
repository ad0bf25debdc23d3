//! Objects in a bucket of an S3 store, by `object_store`; the only module that names it.
//!
//! Path style, so that any endpoint and any certificate do. No checksum trailers, which other stores refuse; where object lock demands a
//! checksum, each request has one in its header. What fails in passing is tried again with growing pauses. Nothing is overwritten.
mod unfinished;
mod upload;
mod wire;
mod words;

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, Checksum};
use object_store::client::HttpClient;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult, RetryConfig,
};
use std::sync::Mutex;
use std::time::Duration;
pub use unfinished::Unfinished;
pub use upload::{LONGEST, Upload};
use wire::{Clocks, Given, Wire};
pub use words::{FAR_APART, told_apart};

/// Where the bucket is and how to get in. `Debug` is not derived, so that no log can show it.
pub struct Access {
    /// `None`: Amazon's own.
    pub endpoint: Option<String>,
    pub bucket: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// PEM certificates; only they are trusted then.
    pub ca: Option<String>,
    /// A SHA-256 with each request, as object lock demands it.
    pub checksum: bool,
    /// Whether what fails in passing is made again for long.
    pub persists: bool,
    /// A request on which nothing moves for so long is given up.
    pub patience: Duration,
}

/// A bucket.
pub struct Storage {
    store: AmazonS3,
    bucket: String,
    /// For what `object_store` has no request of.
    client: HttpClient,
    url: String,
    region: String,
    credential: AwsCredential,
    clocks: Clocks,
    /// Keys to which an upload was begun: whatever becomes of it, no part may stay.
    begun: Mutex<Vec<String>>,
}

/// What lies at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub bytes: u64,
    pub modified: Timestamp,
}

/// Within a minute or so, with growing pauses. A part of an upload is then begun anew.
const RETRIES: usize = 8;
/// How often a small object is written whose answer is lost.
const ATTEMPTS: u32 = 3;
/// With all its repetitions; signatures are valid for 15 minutes.
const RETRY_LIMIT: Duration = Duration::from_secs(120);

impl Storage {
    /// Asks nothing of the store yet.
    ///
    /// # Errors
    /// The endpoint is no URL, or the certificates are none.
    pub fn open(access: Access) -> Result<Self> {
        let plain = access.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let wire = Wire::new(access.ca.as_deref(), plain, access.patience)?;
        let clocks = wire.clocks();
        let client = HttpClient::new(wire);
        let endpoint = access.endpoint.unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", access.region));
        let endpoint = endpoint.trim_end_matches('/');
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&access.bucket)
            .with_region(&access.region)
            .with_access_key_id(&access.access_key)
            .with_secret_access_key(&access.secret_key)
            .with_endpoint(endpoint)
            .with_allow_http(plain)
            .with_virtual_hosted_style_request(false)
            .with_disable_bulk_delete(true)
            .with_retry(retries(access.persists))
            .with_http_connector(Given(client.clone()));
        if access.checksum {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        let store = builder.build().with_context(|| format!("cannot use bucket {}", access.bucket))?;
        let url = format!("{endpoint}/{}", access.bucket);
        let credential = AwsCredential { key_id: access.access_key, secret_key: access.secret_key, token: None };
        Ok(Self {
            store,
            bucket: access.bucket,
            client,
            url,
            region: access.region,
            credential,
            clocks,
            begun: Mutex::default(),
        })
    }

    /// All objects below a prefix that ends with a slash.
    ///
    /// # Errors
    /// The store cannot be reached, or refuses: a wrong key, a wrong clock, no such bucket.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let path = Path::from(prefix.trim_end_matches('/'));
        let found = self.store.list(Some(&path)).map_ok(|meta| Object {
            key: meta.location.to_string(),
            bytes: meta.size,
            modified: Timestamp::from_second(meta.last_modified.timestamp()).unwrap_or(Timestamp::UNIX_EPOCH),
        });
        found.try_collect().await.map_err(|error| self.failed("list", prefix, error))
    }

    /// A small object, whole.
    ///
    /// # Errors
    /// As [`Storage::list`]; it is not there, or longer than `limit` bytes.
    pub async fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        let (size, stream) = self.stream(key).await?;
        ensure!(size <= limit, "{} has {size} bytes, more than the {limit} that make sense", self.place(key));
        let pieces: Vec<_> = stream.try_collect().await?;
        Ok(pieces.concat())
    }

    /// An object's size, and its content as it comes. A connection that is cut is made again from where it was.
    ///
    /// # Errors
    /// As [`Storage::list`]; it is not there.
    pub async fn stream(&self, key: &str) -> Result<(u64, BoxStream<'_, Result<Vec<u8>>>)> {
        let got = self.store.get(&Path::from(key)).await.map_err(|error| self.failed("read", key, error))?;
        let (size, key) = (got.meta.size, key.to_owned());
        let pieces = got.into_stream().map(move |piece| match piece {
            Ok(bytes) => Ok(Vec::from(bytes)),
            Err(error) => Err(self.failed("read", &key, error)),
        });
        Ok((size, pieces.boxed()))
    }

    /// Writes a small object where there is none yet.
    ///
    /// # Errors
    /// As [`Storage::list`]; there is one.
    pub async fn write(&self, key: &str, content: Vec<u8>) -> Result<()> {
        self.must_be_free(key).await?;
        let mut attempt = 1;
        loop {
            let error = match self.create(key, content.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            // An answer that was lost: it may be there for all that. What was refused is not asked of a store that may be gone.
            let doubtful =
                matches!(error, Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::Generic { .. });
            let (there, is_ours) = match doubtful {
                true => {
                    self.read(key, content.len() as u64).await.map_or((false, false), |found| (true, found == content))
                }
                false => (false, false),
            };
            match (is_ours, error) {
                (true, _) => return Ok(()),
                (false, Error::Generic { .. }) if !there && attempt < ATTEMPTS => attempt += 1,
                (false, error) => return Err(self.failed("write", key, error)),
            }
        }
    }

    async fn create(&self, key: &str, content: Vec<u8>) -> object_store::Result<PutResult> {
        let (path, payload) = (Path::from(key), PutPayload::from(content));
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, payload.clone(), create).await {
            // A store that knows no conditions: the look from before must do.
            Err(error) if not_implemented(&error) => self.store.put(&path, payload).await,
            written => written,
        }
    }

    /// # Errors
    /// As [`Storage::list`]. That it was not there is none.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.store.delete(&Path::from(key)).await {
            Err(Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed("delete", key, error)),
        }
    }

    /// Whether there is an object.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub async fn has(&self, key: &str) -> Result<bool> {
        Ok(self.size(key).await?.is_some())
    }

    /// An object's bytes, if there is one.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        match self.store.head(&Path::from(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look for", key, error)),
        }
    }

    async fn must_be_free(&self, key: &str) -> Result<()> {
        if self.has(key).await? {
            bail!("{} is there already, and nothing is overwritten", self.place(key));
        }
        Ok(())
    }

    /// For people.
    pub fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// Seconds by which the store's clock is ahead of this machine's; `None` before its first answer.
    pub fn apart(&self) -> Option<i64> {
        self.clocks.apart()
    }

    /// The error with what it means to the operator. What the store said has no key of ours in it but the access key's name.
    fn failed(&self, what: &str, key: &str, error: Error) -> anyhow::Error {
        let said = with_its_root(&error);
        let meaning = match words::broken(&error) {
            Some(broken) if !said.contains(wire::STANDS_STILL) => {
                broken.told(self.url.strip_suffix(&self.bucket).unwrap_or(&self.url).trim_end_matches('/'))
            }
            _ => words::meaning(&said, self.apart()),
        };
        anyhow!("cannot {what} {}: {meaning}", self.place(key))
    }
}

/// It has most of its sources in it, but not why a connection did not come about: a certificate, a name that is not known.
fn with_its_root(error: &Error) -> String {
    let (said, mut root): (String, &dyn std::error::Error) = (error.to_string(), error);
    while let Some(source) = root.source() {
        root = source;
    }
    let root = root.to_string();
    if said.contains(&root) { said } else { format!("{said}: {root}") }
}

fn retries(persists: bool) -> RetryConfig {
    let (init_backoff, max_backoff) = (Duration::from_millis(200), Duration::from_secs(15));
    let max_retries = if persists { RETRIES } else { 1 };
    let backoff = BackoffConfig { init_backoff, max_backoff, base: 2.0 };
    RetryConfig { backoff, max_retries, retry_timeout: RETRY_LIMIT }
}

fn not_implemented(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. }) || format!("{error:?}").contains("NotImplemented")
}
