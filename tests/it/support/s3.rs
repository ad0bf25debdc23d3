//! A small S3 server: path style, signatures and clocks checked, multipart, conditional writes, lists; and it can be told to fail.

mod answer;
mod fault;
mod multipart;
mod sign;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub(crate) use fault::Fault;
pub(crate) use sign::signed;

pub(crate) const BUCKET: &str = "backups";
pub(crate) const ACCESS_KEY: &str = "AKLAB0123456789";
pub(crate) const SECRET_KEY: &str = "lab/secret+of=the.bucket";

const LONG: Duration = Duration::from_secs(60);

/// What becomes of which request.
type Trouble = dyn Fn(usize, &str) -> Option<Fault> + Send;

/// What it holds, and how it behaves.
#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// Seconds since 1970, where an object, or an upload by its id, is to look older than it is.
    pub(crate) modified: BTreeMap<String, i64>,
    /// Parts by upload id, with the key first.
    pub(crate) uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// `METHOD key?query` of each request, in their order.
    pub(crate) seen: Vec<String>,
    /// Names of all headers of requests that wrote something.
    pub(crate) headers: Vec<String>,
    /// Asked for each request, by its number from 0 and its line.
    pub(crate) fault: Option<Box<Trouble>>,
    /// As a bucket with object lock: no write without a checksum.
    pub(crate) demands_checksum: bool,
    /// As stores that know no `If-None-Match` on a write, and say so.
    pub(crate) knows_no_conditions: bool,
    /// As stores that do not list uploads.
    pub(crate) lists_no_uploads: bool,
    /// It was deleted.
    pub(crate) is_gone: bool,
    /// Seconds by which its clock is ahead of everybody's.
    pub(crate) clock_ahead: i64,
    next_upload: u32,
}

/// Ends with its connections when dropped.
pub(crate) struct S3 {
    bucket: Arc<Mutex<Bucket>>,
    asked: Arc<Notify>,
    port: u16,
    scheme: &'static str,
    _serving: JoinSet<()>,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        Self::serve(None).await
    }

    /// Over TLS, as 127.0.0.1, by an authority that only the file `ca.pem` in the directory knows.
    pub(crate) async fn start_tls(directory: &Path) -> Self {
        Self::serve(Some(tls::acceptor(directory))).await
    }

    async fn serve(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let bucket = Arc::new(Mutex::new(Bucket::default()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let asked = Arc::new(Notify::new());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, tls, (bucket.clone(), asked.clone())));
        Self { bucket, asked, port, scheme, _serving: serving }
    }

    /// The same server once more.
    pub(crate) fn again(&self) -> Self {
        let (bucket, asked) = (self.bucket.clone(), self.asked.clone());
        Self { bucket, asked, port: self.port, scheme: self.scheme, _serving: JoinSet::new() }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// The Secret that leads to it.
    pub(crate) fn secret(&self, name: &str, namespace: &str) -> Value {
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        json!({
            "metadata": {"name": name, "namespace": namespace},
            "type": "Opaque",
            "data": {
                "access_key": encode(ACCESS_KEY), "secret_key": encode(SECRET_KEY),
                "endpoint": encode(&self.endpoint()), "bucket": encode(BUCKET),
            },
        })
    }

    pub(crate) fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().expect("the bucket")
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.bucket().objects.keys().cloned().collect()
    }

    /// From now on this becomes of a request, by its number from now and its line.
    pub(crate) fn trouble(&self, trouble: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) {
        let mut bucket = self.bucket();
        bucket.seen.clear();
        bucket.fault = Some(Box::new(trouble));
    }

    /// Waits until it has been asked something with these words since the trouble began.
    pub(crate) async fn asked(&self, words: &str) {
        self.asked_for(|| self.bucket().seen.iter().any(|line| line.contains(words))).await;
    }

    /// Waits until it has been asked so often since the trouble began.
    pub(crate) async fn asked_times(&self, times: usize) {
        self.asked_for(|| self.bucket().seen.len() >= times).await;
    }

    /// Waits for requests until it is so.
    pub(crate) async fn asked_for(&self, is_so: impl Fn() -> bool) {
        let wait = told_until(&self.asked, is_so);
        let seen = || self.bucket().seen.clone();
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("not within {LONG:?}: {:?}", seen()));
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        self.bucket().fault = None;
        self.asked.notify_waiters();
    }
}

/// Looks again at each notice until it is so.
async fn told_until(notices: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let mut notice = std::pin::pin!(notices.notified());
        // From here on none is missed.
        notice.as_mut().enable();
        if is_so() {
            return;
        }
        notice.await;
    }
}

/// The bucket, and whom to tell of a request.
type Counter = (Arc<Mutex<Bucket>>, Arc<Notify>);

async fn serve(listener: TcpListener, tls: Option<tokio_rustls::TlsAcceptor>, counter: Counter) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (counter, tls) = (counter.clone(), tls.clone());
        connections.spawn(async move {
            match tls {
                None => converse(stream, counter).await,
                // A client that trusts nobody here goes away.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, counter).await;
                    }
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, counter: Counter) {
    let service = service_fn(move |request| {
        let counter = counter.clone();
        async move { handle(&counter, request).await }
    });
    // A client that goes, or a fault, ends a connection; that is no failure of the server.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle((bucket, asked): &Counter, request: Request<Incoming>) -> std::io::Result<Response<Full<Bytes>>> {
    let (head, mut body) = request.into_parts();
    let line = format!("{} {}", head.method, head.uri.path_and_query().map_or("", |path| path.as_str()));
    let fault = {
        let mut bucket = bucket.lock().expect("the bucket");
        let number = bucket.seen.len();
        bucket.seen.push(line.clone());
        bucket.fault.as_ref().and_then(|fault| fault(number, &line))
    };
    asked.notify_waiters();
    if let Some(fault) = fault {
        fault.before(&mut body).await?;
    }
    let body = match fault {
        Some(Fault::Slow(rate)) => fault::slowly(body, rate).await?,
        _ => body.collect().await.map_err(std::io::Error::other)?.to_bytes(),
    };
    if let Some(fault) = fault {
        fault.after().await;
    }
    if fault == Some(Fault::Held) {
        told_until(asked, || bucket.lock().expect("the bucket").fault.is_none()).await;
    }
    if let Some(answer) = fault.and_then(Fault::instead) {
        return Ok(answer);
    }
    if fault == Some(Fault::Cut) {
        return Err(std::io::Error::other("cut"));
    }
    let mut bucket = bucket.lock().expect("the bucket");
    let answer = match sign::check(&head, &body, bucket.clock_ahead) {
        Err((code, why)) => answer::error(403, code, why),
        Ok(()) => answer::answer(&mut bucket, &head, &body),
    };
    match fault {
        Some(Fault::Lost) => Err(std::io::Error::other("the answer is lost")),
        _ => Ok(answer::dated(answer, bucket.clock_ahead)),
    }
}
