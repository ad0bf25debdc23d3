//! Objects in a bucket of an S3 store, by `object_store`; the only module that names it.
//!
//! Path style, so that any endpoint and any certificate do. No checksum trailers, which other stores refuse; where object lock demands a
//! checksum, each request has one in its header. What fails in passing is tried again with growing pauses. Nothing is overwritten.
mod upload;

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RetryConfig,
};
use std::time::Duration;
pub use upload::{LONGEST, Upload};

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
}

/// A bucket.
pub struct Storage {
    store: AmazonS3,
    bucket: String,
}

/// What lies at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub bytes: u64,
    pub modified: Timestamp,
}

/// Nothing comes for so long, on a connection that is up.
const SILENCE: Duration = Duration::from_secs(180);
const CONNECT: Duration = Duration::from_secs(10);
const RETRIES: usize = 6;
/// With all its repetitions; signatures are valid for 15 minutes.
const RETRY_LIMIT: Duration = Duration::from_secs(120);

/// How stores say it; a list's refusal comes as any error.
const REFUSALS: [&str; 5] =
    ["SignatureDoesNotMatch", "AccessDenied", "InvalidAccessKeyId", "RequestTimeTooSkewed", "403 Forbidden"];

impl Storage {
    /// Asks nothing of the store yet.
    ///
    /// # Errors
    /// The endpoint is no URL, or the certificates are none.
    pub fn open(access: Access) -> Result<Self> {
        let plain = access.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut client =
            ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT).with_read_timeout(SILENCE);
        client = client.with_allow_http(plain).with_no_system_certificates(plain || access.ca.is_some());
        if let Some(ca) = &access.ca {
            let certificates = Certificate::from_pem_bundle(ca.as_bytes()).context("the bucket's CA is no PEM file")?;
            ensure!(!certificates.is_empty(), "the bucket's CA has no certificate in it");
            client = certificates.into_iter().fold(client, ClientOptions::with_root_certificate);
        }
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(15), base: 2.0 };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&access.bucket)
            .with_region(access.region)
            .with_access_key_id(access.access_key)
            .with_secret_access_key(access.secret_key)
            .with_virtual_hosted_style_request(false)
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_LIMIT })
            .with_client_options(client);
        if let Some(endpoint) = access.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        if access.checksum {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        let store = builder.build().with_context(|| format!("cannot use bucket {}", access.bucket))?;
        Ok(Self { store, bucket: access.bucket })
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
        let path = Path::from(key);
        let payload = PutPayload::from(content);
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let written = self.store.put_opts(&path, payload.clone(), create).await;
        let written = match written {
            // A store that knows no conditions: the look from before must do.
            Err(error) if not_implemented(&error) => self.store.put(&path, payload).await,
            written => written,
        };
        written.map(drop).map_err(|error| self.failed("write", key, error))
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
        match self.store.head(&Path::from(key)).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("look for", key, error)),
        }
    }

    async fn must_be_free(&self, key: &str) -> Result<()> {
        if self.has(key).await? {
            bail!("{} is there already, and nothing is overwritten", self.place(key));
        }
        Ok(())
    }

    fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The error with what it means to the operator. What the store said has no key of ours in it but the access key's name.
    fn failed(&self, what: &str, key: &str, error: Error) -> anyhow::Error {
        let refused = matches!(&error, Error::Unauthenticated { .. } | Error::PermissionDenied { .. });
        // It has its sources in it.
        let said = error.to_string();
        let advice = match refused || REFUSALS.iter().any(|word| said.contains(word)) {
            true => "; the store refuses the key of the bucket's Secret, or this machine's clock is wrong",
            false => "",
        };
        anyhow!("cannot {what} {}{advice}: {said}", self.place(key))
    }
}

fn not_implemented(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. }) || format!("{error:?}").contains("NotImplemented")
}
