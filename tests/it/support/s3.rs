//! A small S3 server: path style, signatures checked, multipart, conditional writes, lists; and it can be told to fail.

mod answer;
mod sign;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const BUCKET: &str = "backups";
pub(crate) const ACCESS_KEY: &str = "AKLAB0123456789";
pub(crate) const SECRET_KEY: &str = "lab/secret+of=the.bucket";

/// What becomes of a request, instead of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Status(u16),
    /// The connection ends without an answer.
    Cut,
}

/// What becomes of which request.
type Trouble = dyn Fn(usize, &str) -> Option<Fault> + Send;

/// What it holds, and how it behaves.
#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// Seconds since 1970, where an object is to look older than it is.
    pub(crate) modified: BTreeMap<String, i64>,
    /// Parts by upload id, with the key first.
    pub(crate) uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// `METHOD key?query` of each request, in their order.
    pub(crate) seen: Vec<String>,
    /// Asked for each request, by its number from 0 and its line.
    pub(crate) fault: Option<Box<Trouble>>,
    /// As a bucket with object lock: no write without a checksum.
    pub(crate) demands_checksum: bool,
    next_upload: u32,
}

/// Ends with its connections when dropped.
pub(crate) struct S3 {
    bucket: Arc<Mutex<Bucket>>,
    port: u16,
    _serving: JoinSet<()>,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let bucket = Arc::new(Mutex::new(Bucket::default()));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, bucket.clone()));
        Self { bucket, port, _serving: serving }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().expect("the bucket")
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.bucket().objects.keys().cloned().collect()
    }
}

async fn serve(listener: TcpListener, bucket: Arc<Mutex<Bucket>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let bucket = bucket.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let bucket = bucket.clone();
                async move { handle(&bucket, request).await }
            });
            // A client that goes, or a fault, ends a connection; that is no failure of the server.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn handle(bucket: &Mutex<Bucket>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut bucket = bucket.lock().expect("the bucket");
    let line = format!("{} {}", head.method, head.uri.path_and_query().map_or("", |path| path.as_str()));
    let number = bucket.seen.len();
    bucket.seen.push(line.clone());
    match bucket.fault.as_ref().and_then(|fault| fault(number, &line)) {
        Some(Fault::Cut) => return Err(std::io::Error::other("cut")),
        Some(Fault::Status(code)) => return Ok(answer::error(code, "Told", "to fail")),
        None => {}
    }
    if let Err(why) = sign::check(&head, &body) {
        return Ok(answer::error(403, "SignatureDoesNotMatch", why));
    }
    Ok(answer::answer(&mut bucket, &head, &body))
}
