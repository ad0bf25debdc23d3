//! `log`: a container's output, or the kubelet's word on why there is none.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;

use super::super::api::runtime::{LogRequest, LogStream};
use super::super::container::log::{Line, Log};
use super::super::store::Status;
use super::Kubelet;
use super::state::Slot;

impl Kubelet {
    pub(crate) fn log(&self, asked: &LogRequest) -> Result<LogStream, Status> {
        let Some(pod) = self.0.pod(&asked.namespace, &asked.pod) else {
            return Err(Status::not_found("pods", &asked.pod));
        };
        let slot = pod.slot(&asked.container).ok_or_else(|| {
            let (container, pod) = (&asked.container, &asked.pod);
            Status::bad_request(format!("container {container} is not valid for pod {pod}"))
        })?;
        let log = chosen(&slot, asked)?;
        Ok(stream(log, asked))
    }
}

/// The log asked for, by the rules of the kubelet.
fn chosen(slot: &Slot, asked: &LogRequest) -> Result<Log, Status> {
    let (container, pod) = (&asked.container, &asked.pod);
    if asked.previous {
        let waiting = slot.waiting_reason().is_some();
        let previous = if waiting { &slot.container } else { &slot.previous };
        return previous.as_ref().map(|run| run.log().clone()).ok_or_else(|| {
            Status::bad_request(format!("previous terminated container \"{container}\" in pod \"{pod}\" not found"))
        });
    }
    if let Some(run) = &slot.container {
        return Ok(run.log().clone());
    }
    let why = match slot.waiting_reason() {
        Some("ErrImagePull") => "image can't be pulled",
        Some("ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
        None => "no logs yet",
    };
    Err(Status::bad_request(format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {why}")))
}

fn stream(log: Log, asked: &LogRequest) -> LogStream {
    let lines = log.so_far();
    let seen = lines.len();
    let since = asked.since_seconds.map(|seconds| {
        let now = Timestamp::now();
        now.checked_sub(Duration::from_secs(seconds)).unwrap_or(now)
    });
    let file = &lines[log.rotated()..];
    let wanted: Vec<&Line> = file.iter().filter(|line| since.is_none_or(|since| line.at >= since)).collect();
    let tail = asked.tail_lines.map_or(wanted.len(), |count| usize::try_from(count).unwrap_or(usize::MAX));
    let wanted = &wanted[wanted.len().saturating_sub(tail)..];
    let stamped = asked.timestamps;
    let mut first = BytesMut::new();
    for line in wanted {
        write(&mut first, line, stamped);
    }
    let first = stream::iter((!first.is_empty()).then(|| first.freeze()));
    let later = stream::unfold((log, seen), move |(log, seen)| async move {
        let lines = log.after(seen).await?;
        let mut chunk = BytesMut::new();
        for line in &lines {
            write(&mut chunk, line, stamped);
        }
        Some((chunk.freeze(), (log, seen + lines.len())))
    });
    let whole = if asked.follow { first.chain(later).boxed() } else { first.boxed() };
    limited(whole, asked.limit_bytes)
}

fn write(out: &mut BytesMut, line: &Line, stamped: bool) {
    if stamped {
        out.extend_from_slice(format!("{:.9} ", line.at).as_bytes());
    }
    out.extend_from_slice(&line.text);
}

fn limited(chunks: stream::BoxStream<'static, Bytes>, limit: Option<u64>) -> LogStream {
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let cut = chunks.scan(limit, |left, mut chunk| {
        chunk.truncate(*left);
        *left -= chunk.len();
        std::future::ready((!chunk.is_empty()).then_some(Ok(chunk)))
    });
    cut.boxed()
}
