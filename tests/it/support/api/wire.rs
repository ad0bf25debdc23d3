//! A TCP connection that can be broken on purpose: reset at once, cut after so many bytes, or stalled.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Never reached: no limit.
const NEVER: u64 = u64::MAX;

/// The hold that a fault has on a connection.
#[derive(Debug)]
pub(super) struct Hold {
    sent: AtomicU64,
    received: AtomicU64,
    cut_sent: AtomicU64,
    cut_received: AtomicU64,
    stalled: AtomicBool,
    reset: AtomicBool,
    waker: AtomicWaker,
}

impl Hold {
    fn new() -> Self {
        Self {
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            cut_sent: AtomicU64::new(NEVER),
            cut_received: AtomicU64::new(NEVER),
            stalled: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// The peer gets a TCP reset, now.
    pub(super) fn reset(&self) {
        self.reset.store(true, Relaxed);
        self.waker.wake();
    }

    /// Nothing moves any more, and nobody is told: a cable that was pulled.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Relaxed);
    }

    /// A reset when so many more bytes have gone out to the client.
    pub(super) fn cut_after_sent(&self, bytes: u64) {
        self.cut_sent.store(self.sent.load(Relaxed) + bytes, Relaxed);
    }

    /// A reset when so many more bytes have come in from the client.
    pub(super) fn cut_after_received(&self, bytes: u64) {
        self.cut_received.store(self.received.load(Relaxed) + bytes, Relaxed);
    }

    fn is_due(&self) -> bool {
        self.reset.load(Relaxed)
            || self.sent.load(Relaxed) >= self.cut_sent.load(Relaxed)
            || self.received.load(Relaxed) >= self.cut_received.load(Relaxed)
    }
}

/// The connection; `None` inside once it has been reset.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Option<TcpStream>,
    hold: Arc<Hold>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<Hold>) {
        let hold = Arc::new(Hold::new());
        (Self { stream: Some(stream), hold: Arc::clone(&hold) }, hold)
    }

    /// The stream, unless the connection is (or is now being) reset.
    fn alive(&mut self) -> io::Result<&mut TcpStream> {
        if self.hold.is_due() {
            self.close_hard();
        }
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    /// Linger zero makes the kernel send RST instead of FIN.
    fn close_hard(&mut self) {
        if let Some(stream) = self.stream.take() {
            // A socket that is gone already needs no reset.
            let _ = stream.set_zero_linger();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.hold.is_due() {
            self.close_hard();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.hold.waker.register(cx.waker());
        let before = buf.filled().len();
        let hold = Arc::clone(&self.hold);
        let stream = self.alive()?;
        if hold.stalled.load(Relaxed) {
            return Poll::Pending;
        }
        ready!(Pin::new(stream).poll_read(cx, buf))?;
        hold.received.fetch_add((buf.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let hold = Arc::clone(&self.hold);
        let stream = self.alive()?;
        if hold.stalled.load(Relaxed) {
            return Poll::Pending;
        }
        let left = hold.cut_sent.load(Relaxed) - hold.sent.load(Relaxed);
        let take = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let sent = ready!(Pin::new(stream).poll_write(cx, &buf[..take]))?;
        hold.sent.fetch_add(sent as u64, Relaxed);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.alive()?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.alive()?).poll_shutdown(cx)
    }
}

/// The connections that are open, for breaking all of them.
#[derive(Debug, Default)]
pub(super) struct Holds(Vec<Weak<Hold>>);

impl Holds {
    pub(super) fn add(&mut self, hold: &Arc<Hold>) {
        self.0.retain(|hold| hold.strong_count() > 0);
        self.0.push(Arc::downgrade(hold));
    }

    pub(super) fn each(&self, act: impl Fn(&Hold)) {
        self.0.iter().filter_map(Weak::upgrade).for_each(|hold| act(&hold));
    }
}
