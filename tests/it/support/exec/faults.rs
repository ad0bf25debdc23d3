//! Connections that break: cut or stalled after so many bytes, wherever in a frame that is.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::api::Gate;
use super::super::api::runtime::ExecRequest;

/// What happens to the connection, counted in bytes on the wire after the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Closed, with no Close frame, after so many bytes to the client.
    CutAfterSending(usize),
    /// Closed, with no Close frame, after so many bytes from the client.
    CutAfterReceiving(usize),
    /// Open and silent after so many bytes to the client.
    StallAfterSending(usize),
    /// Open, and nothing read any more, after so many bytes from the client.
    StallAfterReceiving(usize),
    /// Nothing more read after so many bytes from the client, until the fault's gate opens.
    HoldAfterReceiving(usize),
}

/// Which sessions break, and how.
#[derive(Clone, Debug)]
pub(crate) struct ExecFault {
    /// The Pod's namespace, whole: one's name may begin with another's.
    pub(crate) namespace: String,
    /// What the Pod's name begins with.
    pub(crate) pod: String,
    /// Something that a word of the command contains.
    pub(crate) command: String,
    /// So many matching sessions are let through first,
    pub(crate) skip: usize,
    /// and so many are broken then.
    pub(crate) times: usize,
    pub(crate) how: Break,
    pub(crate) gate: Gate,
}

impl ExecFault {
    /// The first session with a Pod of this namespace.
    pub(crate) fn once(namespace: &str, how: Break) -> Self {
        let (namespace, any) = (namespace.to_owned(), String::new());
        Self { namespace, pod: any.clone(), command: any, skip: 0, times: 1, how, gate: Gate::new() }
    }
}

/// The faults that are armed; clones share them.
#[derive(Clone, Default)]
pub(crate) struct ExecFaults(Arc<Mutex<Vec<ExecFault>>>);

impl ExecFaults {
    pub(crate) fn arm(&self, fault: ExecFault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn disarm(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault of a session that begins.
    pub(super) fn take(&self, asked: &ExecRequest) -> Option<(Break, Gate)> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = faults.iter_mut().find(|fault| {
            let mut words = asked.command.iter();
            fault.times > 0
                && asked.namespace == fault.namespace
                && asked.pod.starts_with(&fault.pod)
                && (fault.command.is_empty() || words.any(|word| word.contains(&fault.command)))
        })?;
        if mine.skip > 0 {
            mine.skip -= 1;
            return None;
        }
        mine.times -= 1;
        Some((mine.how, mine.gate.clone()))
    }
}

/// A connection with a fault in it, or none.
pub(super) struct Wire<S> {
    /// None when it has been cut.
    inner: Option<S>,
    fault: Option<Break>,
    /// Who waits to read, to be woken by a cut.
    reader: Option<Waker>,
    /// Where a hold waits.
    held: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S> Wire<S> {
    pub(super) fn new(inner: S, fault: Option<(Break, Gate)>) -> Self {
        let (fault, gate) = fault.unzip();
        let held = Box::pin(async move {
            if let Some(gate) = gate {
                gate.pass().await;
            }
        });
        Self { inner: Some(inner), fault, reader: None, held }
    }

    /// How many more bytes come in before the fault.
    fn incoming(&mut self) -> Option<&mut usize> {
        match &mut self.fault {
            Some(
                Break::CutAfterReceiving(left) | Break::StallAfterReceiving(left) | Break::HoldAfterReceiving(left),
            ) => Some(left),
            _ => None,
        }
    }

    fn cut(&mut self) {
        self.inner = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = match self.fault {
            Some(Break::CutAfterReceiving(0)) => {
                self.cut();
                return Poll::Ready(Ok(()));
            }
            Some(Break::StallAfterReceiving(0)) => return Poll::Pending,
            Some(Break::HoldAfterReceiving(0)) => {
                ready!(self.held.as_mut().poll(cx));
                self.fault = None;
                usize::MAX
            }
            _ => self.incoming().map_or(usize::MAX, |left| *left),
        };
        self.reader = Some(cx.waker().clone());
        let unbroken = self.fault.is_none();
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Ok(()));
        };
        if unbroken {
            return Pin::new(inner).poll_read(cx, buf);
        }
        let mut part = buf.take(left);
        let room = part.remaining();
        match Pin::new(inner).poll_read(cx, &mut part) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let count = room - part.remaining();
        // The bytes are in `buf`'s own memory, written through `part`.
        let filled = part.filled().to_vec();
        buf.put_slice(&filled);
        if let Some(left) = self.incoming() {
            *left -= count;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = match self.fault {
            Some(Break::CutAfterSending(0)) => {
                self.cut();
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            Some(Break::StallAfterSending(0)) => return Poll::Pending,
            Some(Break::CutAfterSending(left) | Break::StallAfterSending(left)) => left,
            _ => usize::MAX,
        };
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let part = &buf[..buf.len().min(left)];
        let written = Pin::new(inner).poll_write(cx, part);
        if let (Poll::Ready(Ok(count)), Some(Break::CutAfterSending(left) | Break::StallAfterSending(left))) =
            (&written, &mut self.fault)
        {
            *left -= count;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_flush(cx),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
