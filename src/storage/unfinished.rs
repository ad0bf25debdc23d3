//! Uploads that were begun and never became objects: their parts lie in the store, are in no list of objects, and cost.
//!
//! `object_store` does not list them; the request is made here, signed by its signer.
use super::Storage;
use super::words::meaning;
use anyhow::{Context, Result, anyhow};
use http::{Request, StatusCode};
use jiff::Timestamp;
use object_store::aws::AwsAuthorizer;
use object_store::client::HttpRequestBody;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use reqwest::Url;
use serde::Deserialize;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::sleep;

/// An upload whose parts lie in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub key: String,
    id: String,
    pub begun: Timestamp,
}

/// A page of the store's list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    upload: Vec<Entry>,
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    upload_id: String,
    initiated: Timestamp,
}

const ATTEMPTS: u32 = 4;
/// A part that was still on its way may arrive after its upload was taken back.
const ROUNDS: u32 = 3;

impl Storage {
    /// All whose key begins so. A store of MinIO lists only those of a whole key, and removes them itself after a day.
    ///
    /// # Errors
    /// As [`Storage::list`]; the store does not list them.
    pub async fn unfinished(&self, prefix: &str) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        let mut markers: Vec<(&str, String)> = Vec::new();
        loop {
            let mut url = Url::parse(&self.url).context("the bucket's URL")?;
            url.query_pairs_mut().append_pair("uploads", "").append_pair("prefix", prefix).extend_pairs(&markers);
            let text = self
                .ask(&url)
                .await
                .with_context(|| format!("cannot list the unfinished uploads in {}", self.place(prefix)))?;
            let page: Page = quick_xml::de::from_str(&text).context("cannot read the store's list of uploads")?;
            found.extend(page.upload.into_iter().map(|entry| Unfinished {
                key: entry.key,
                id: entry.upload_id,
                begun: entry.initiated,
            }));
            let (Some(key), true) = (page.next_key_marker, page.is_truncated) else { break };
            markers = vec![("key-marker", key)];
            markers.extend(page.next_upload_id_marker.map(|id| ("upload-id-marker", id)));
        }
        Ok(found)
    }

    /// Takes its parts back. That it was not there is no error.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub async fn abort(&self, upload: &Unfinished) -> Result<()> {
        match self.store.abort_multipart(&Path::from(upload.key.as_str()), &upload.id).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("take back the parts of", &upload.key, error)),
        }
    }

    /// To be called when no upload is under way any more: takes back the parts of all that were begun here and did not become
    /// objects, also of one whose beginning was asked for twice, as the first answer was lost.
    ///
    /// # Errors
    /// As [`Storage::unfinished`] and [`Storage::abort`].
    pub async fn let_go(&self) -> Result<()> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for key in begun {
            for _ in 0..ROUNDS {
                let mut found = self.unfinished(&key).await?;
                found.retain(|upload| upload.key == key);
                if found.is_empty() {
                    break;
                }
                for upload in &found {
                    self.abort(upload).await?;
                }
            }
        }
        Ok(())
    }

    /// What the store answers, asked again while it fails in passing.
    async fn ask(&self, url: &Url) -> Result<String> {
        let mut attempt = 1;
        loop {
            let failed = match self.ask_once(url).await {
                Ok((status, text)) if status.is_success() => return Ok(text),
                Ok((status, text)) => {
                    let passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
                    let said = format!("status {status}: {text}");
                    (passing, anyhow!("{}", meaning(&said, self.apart())))
                }
                Err(error) => (true, error),
            };
            match failed {
                (true, error) if attempt < ATTEMPTS => tracing::info!("{error:#}; asking again"),
                (_, error) => return Err(error),
            }
            sleep(Duration::from_millis(200) * 4u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    async fn ask_once(&self, url: &Url) -> Result<(StatusCode, String)> {
        let mut request = Request::get(url.as_str()).body(HttpRequestBody::empty())?;
        AwsAuthorizer::new(&self.credential, "s3", &self.region).try_authorize(&mut request, None)?;
        let answer = self.client.execute(request).await?;
        let status = answer.status();
        let text = answer.into_body().bytes().await?;
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_and_without_uploads() {
        let text = "<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>b</Bucket><KeyMarker/>\
                    <NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>i</NextUploadIdMarker><IsTruncated>true</IsTruncated>\
                    <Upload><Key>a</Key><UploadId>1</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated><StorageClass>S</StorageClass></Upload>\
                    <Upload><Key>b</Key><UploadId>2</UploadId><Owner><ID>x</ID></Owner><Initiated>2026-01-02T03:04:05Z</Initiated></Upload>\
                    </ListMultipartUploadsResult>";
        let page: Page = quick_xml::de::from_str(text).expect("a page");
        assert_eq!((page.upload.len(), page.is_truncated, page.next_key_marker.as_deref()), (2, true, Some("k")));
        assert_eq!(page.upload[0].initiated, page.upload[1].initiated);
        let none = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
        let page: Page = quick_xml::de::from_str(none).expect("a page");
        assert!(page.upload.is_empty() && !page.is_truncated);
    }
}
