//! The seam between the API and whatever runs the containers: `log` and `exec` go through two functions.
//!
//! The API has already checked that the Pod exists, that it has a node, and that the container is
//! one of its own; what depends on the container's state (waiting to start, ended) is the runtime's
//! to answer, with a `Status` as the kubelet's own.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use hyper::header::HeaderMap;
use hyper::upgrade::OnUpgrade;

use super::super::store::Status;

/// A container's output, as long as it lasts; with `follow`, until the container has ended.
pub(crate) type LogStream = BoxStream<'static, io::Result<Bytes>>;

/// `GET …/pods/POD/log`.
#[derive(Clone, Debug)]
pub(crate) struct LogRequest {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) follow: bool,
    pub(crate) previous: bool,
    pub(crate) timestamps: bool,
    pub(crate) tail_lines: Option<u64>,
    pub(crate) limit_bytes: Option<u64>,
    pub(crate) since_seconds: Option<u64>,
}

/// `GET` or `POST …/pods/POD/exec`: the answer is the head to send (101 with its headers), after
/// which `upgrade` resolves to the connection.
#[derive(Debug)]
pub(crate) struct ExecRequest {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) command: Vec<String>,
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) tty: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) upgrade: OnUpgrade,
}

type Serve<Asked, Answer> = Arc<dyn Fn(Asked) -> BoxFuture<'static, Result<Answer, Status>> + Send + Sync>;

/// Who answers for the containers.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub(crate) log: Serve<LogRequest, LogStream>,
    pub(crate) exec: Serve<ExecRequest, hyper::Response<()>>,
}

impl Runtime {
    /// No node answers: for tests of the API alone.
    pub(crate) fn absent() -> Self {
        let refusal = || Status::new(500, "InternalError", "dial tcp: connection refused");
        Self {
            log: Arc::new(move |_| async move { Err(refusal()) }.boxed()),
            exec: Arc::new(move |_| async move { Err(refusal()) }.boxed()),
        }
    }
}
