//! The way to the store, watched: what stands still is given up, what asks for a pause gets it, and the clocks are compared.
//!
//! No limit on the time of a whole request: a slow upload that moves is left alone, however long it takes.
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const CONNECT: Duration = Duration::from_secs(10);
/// What is handed over at once, so that it is seen whether it moves.
const MOUTHFUL: usize = 64 << 10;
/// No store is waited for any longer at once, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const UNKNOWN: i64 = i64::MIN;

/// Seconds by which the store's clock is ahead of this machine's, as of its last answer.
#[derive(Clone, Debug)]
pub(super) struct Clocks(Arc<AtomicI64>);

impl Clocks {
    /// `None` before any answer.
    pub(super) fn apart(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|apart| *apart != UNKNOWN)
    }

    fn hear(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let Some(date) = date {
            self.0.store(date.timestamp().as_second() - jiff::Timestamp::now().as_second(), Ordering::Relaxed);
        }
    }
}

/// Gives object_store the one client.
#[derive(Debug)]
pub(super) struct Given(pub(super) HttpClient);

impl HttpConnector for Given {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
pub(super) struct Wire {
    /// What is asked; it ends by itself when nothing comes for too long.
    asking: reqwest::Client,
    /// What is sent: while it moves, the answer may be as long in coming as it likes.
    sending: reqwest::Client,
    patience: Duration,
    clocks: Clocks,
}

/// What a stall is told, and known, by.
pub(super) const STANDS_STILL: &str = "the store stands still";

/// Nothing moved for so long.
#[derive(Debug)]
struct Stalled(Duration);

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STANDS_STILL}: nothing has moved for {} s (--s3-patience)", self.0.as_secs())
    }
}

impl Error for Stalled {}

impl Wire {
    /// With these certificates of authorities alone, if there are any; without TLS for a `plain` store.
    ///
    /// # Errors
    /// The certificates are none.
    pub(super) fn new(ca: Option<&str>, plain: bool, patience: Duration) -> Result<Self> {
        let client = |silence: Option<Duration>| {
            let mut builder = reqwest::Client::builder()
                .http1_only()
                .connect_timeout(CONNECT)
                .user_agent(concat!("sandbox-lifecycle/", env!("CARGO_PKG_VERSION")));
            if let Some(silence) = silence {
                builder = builder.read_timeout(silence);
            }
            if let Some(ca) = ca {
                let found = reqwest::Certificate::from_pem_bundle(ca.as_bytes());
                let found = found.context("the bucket's CA is no PEM file")?;
                ensure!(!found.is_empty(), "the bucket's CA has no certificate in it");
                builder = builder.tls_certs_only(found);
            } else if plain {
                // Loading the system's takes time, and nobody asks for them.
                builder = builder.tls_certs_only([]);
            }
            builder.build().context("cannot make a client for the store")
        };
        let clocks = Clocks(Arc::new(AtomicI64::new(UNKNOWN)));
        Ok(Self { asking: client(Some(patience))?, sending: client(None)?, patience, clocks })
    }

    pub(super) fn clocks(&self) -> Clocks {
        self.clocks.clone()
    }

    async fn send(&self, request: HttpRequest) -> Result<reqwest::Response, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse::<reqwest::Url>();
        let url = url.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(parts.method.clone(), url);
        *request.headers_mut() = parts.headers;
        let sends = body.content_length() > 0;
        let moved = Moved::default();
        if sends {
            let watched = Watched { body, mouthful: Bytes::new(), moved: moved.clone() };
            *request.body_mut() = Some(reqwest::Body::wrap(watched));
        }
        let failed = |error| failed(&parts.method, self.patience, error);
        if parts.method != Method::PUT {
            return self.asking.execute(request).await.map_err(failed);
        }
        tokio::select! {
            answer = self.sending.execute(request) => answer.map_err(failed),
            // Of a kind that object_store does not simply repeat: each time costs the whole of the patience.
            () = moved.stalled(self.patience) => Err(HttpError::new(HttpErrorKind::Unknown, Stalled(self.patience))),
        }
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.send(request).await?;
        self.clocks.hear(answer.headers());
        if let Some(pause) = pause(answer.status(), answer.headers()) {
            tracing::info!("the store asks for a pause of {} s", pause.as_secs());
            sleep(pause).await;
        }
        let answer: http::Response<reqwest::Body> = answer.into();
        let (parts, body) = answer.into_parts();
        let patience = self.patience;
        let body = http_body_util::BodyExt::map_err(body, move |error| failed(&Method::GET, patience, error));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

/// What the store asks for before it is asked again; `object_store` adds its own.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let busy = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
    let asked = headers.get(RETRY_AFTER).filter(|_| busy)?.to_str().ok()?;
    let seconds = asked.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// An error as `object_store` judges it: which is worth another attempt.
fn failed(method: &Method, patience: Duration, error: reqwest::Error) -> HttpError {
    let kind = match () {
        // Also when that took too long: nothing was sent yet.
        () if error.is_connect() => HttpErrorKind::Connect,
        () if error.is_timeout() => return HttpError::new(HttpErrorKind::Timeout, Stalled(patience)),
        () if error.is_decode() => HttpErrorKind::Decode,
        // To delete twice is to delete.
        () if method == Method::DELETE => HttpErrorKind::Request,
        () => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error.without_url())
}

/// When a body was last asked for more.
#[derive(Clone, Debug)]
struct Moved(Arc<Mutex<Instant>>);

impl Default for Moved {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Moved {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when nothing has moved for so long.
    async fn stalled(&self, patience: Duration) {
        loop {
            let last = self.last();
            sleep_until(last + patience).await;
            if self.last() == last {
                return;
            }
        }
    }
}

/// What is sent, in mouthfuls.
struct Watched {
    body: HttpRequestBody,
    /// The rest of what the body gave last.
    mouthful: Bytes,
    moved: Moved,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.moved.now();
        if self.mouthful.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.mouthful = frame.into_data().unwrap_or_default(),
                other => return Poll::Ready(other),
            }
        }
        let size = self.mouthful.len().min(MOUTHFUL);
        Poll::Ready(Some(Ok(Frame::data(self.mouthful.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.mouthful.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.body.size_hint().exact().unwrap_or_default();
        SizeHint::with_exact(rest + self.mouthful.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_busy_gets_a_pause_and_no_longer_than_is_sensible() {
        let headers = |text: &str| HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a header"))]);
        let of = |status, text: &str| pause(status, &headers(text)).map(|pause| pause.as_secs());
        assert_eq!(of(StatusCode::SERVICE_UNAVAILABLE, "7"), Some(7));
        assert_eq!(of(StatusCode::TOO_MANY_REQUESTS, "86400"), Some(60));
        assert_eq!(of(StatusCode::OK, "7"), None);
        assert_eq!(of(StatusCode::SERVICE_UNAVAILABLE, "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(pause(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()), None);
    }

    #[test]
    fn the_clocks_are_compared_by_the_stores_date() {
        let clocks = Clocks(Arc::new(AtomicI64::new(UNKNOWN)));
        clocks.hear(&HeaderMap::new());
        assert_eq!(clocks.apart(), None);
        clocks.hear(&HeaderMap::from_iter([(DATE, "Thu, 01 Jan 2026 00:00:00 GMT".parse().expect("a header"))]));
        assert!(clocks.apart().is_some_and(|apart| apart < 0));
    }
}
