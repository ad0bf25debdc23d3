//! Channels over SPDY/3.1: a stream for each, as `kubectl` has them with servers before 1.31.
//!
//! A server's WebSocket unmasks byte by byte and gathers each message in a growing buffer; newer API servers translate it to SPDY for
//! the kubelet besides. SPDY goes through them as it is. No crate does it: `spdy-mux` (0.1, GPL) knows only the pairs of streams of
//! port-forward, and sends no more than a window that the servers' moby/spdystream never opens again (its issue 2).
//!
//! Frames are those of the SPDY/3.1 draft. Header blocks are written as stored blocks of zlib, so that nothing is compressed, and
//! those of the server are not looked at: which stream is which follows from who opened it.
mod frames;

use super::wire::{self, Incoming, Input, Outgoing, Output};
use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use frames::{Frame, Frames};
use futures::{sink, stream};
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

const PROTOCOL: &str = "SPDY/3.1";
const VERSION: &str = "v4.channel.k8s.io";
const VERSIONS: &str = "x-stream-protocol-version";

/// Starts a command. What a server answers that knows no SPDY, or a proxy that lets none through, is an error.
pub(super) async fn open(
    client: &Client,
    request: Request<Vec<u8>>,
    stdin: bool,
    place: String,
) -> Result<(Input, Output)> {
    let (mut parts, body) = request.into_parts();
    parts.method = Method::POST;
    for (name, value) in
        [(header::CONNECTION.as_str(), "Upgrade"), (header::UPGRADE.as_str(), PROTOCOL), (VERSIONS, VERSION)]
    {
        parts.headers.insert(http::HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let response = client.send(Request::from_parts(parts, Body::from(body))).await?;
    ensure!(response.status() == StatusCode::SWITCHING_PROTOCOLS, "the answer is {}", response.status());
    let is = |name: &str, wanted: &str| {
        response.headers().get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes()))
    };
    ensure!(is(header::UPGRADE.as_str(), PROTOCOL) && is(VERSIONS, VERSION), "the answer is of another protocol");
    let connection = hyper::upgrade::on(response).await.context("the connection was not upgraded")?;
    halves(TokioIo::new(connection), stdin, place).await
}

/// Opens the streams, and waits for the server to have taken the first.
async fn halves<C>(connection: C, stdin: bool, place: String) -> Result<(Input, Output)>
where
    C: AsyncRead + AsyncWrite + Send + 'static,
{
    let (from, mut to) = split(connection);
    to.write_all(&frames::opening(stdin)).await?;
    to.flush().await?;
    let replies = Replies::default();
    let mut reader = Reader { from, buffer: BytesMut::new(), frames: Frames::default(), replies: replies.clone() };
    let first = reader.next().await?;
    ensure!(matches!(first, Some(Incoming::Alive)), "the streams were not taken");
    let writer = Writer { to, replies, pings: 0 };
    let sink = sink::unfold(writer, |mut writer, outgoing| async move {
        writer.write(outgoing).await?;
        Ok(writer)
    });
    let stream =
        stream::try_unfold(
            reader,
            |mut reader| async move { Ok(reader.next().await?.map(|incoming| (incoming, reader))) },
        );
    Ok(wire::halves(sink, stream, place))
}

/// Answers to the server's pings, until something is written: each wakes the server's sender for one more, no run waits for them.
#[derive(Clone, Default)]
struct Replies(Arc<Mutex<Vec<u8>>>);

impl Replies {
    fn add(&self, reply: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(reply);
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Writer<W> {
    to: W,
    replies: Replies,
    pings: u32,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    async fn write(&mut self, outgoing: Outgoing) -> Result<()> {
        let replies = self.replies.take();
        if !replies.is_empty() {
            self.to.write_all(&replies).await?;
        }
        match outgoing {
            Outgoing::Stdin(mut message) => {
                frames::address(&mut message);
                self.to.write_all(&message).await?;
            }
            Outgoing::Ping => {
                self.pings += 1;
                self.to.write_all(&frames::ping(frames::ours(self.pings))).await?;
            }
        }
        Ok(self.to.flush().await?)
    }
}

struct Reader<R> {
    from: R,
    buffer: BytesMut,
    frames: Frames,
    replies: Replies,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// None where the connection ends, wherever in a frame that is.
    async fn next(&mut self) -> Result<Option<Incoming>> {
        loop {
            match self.frames.next(&mut self.buffer) {
                Some(Frame::Incoming(incoming)) => return Ok(Some(incoming)),
                Some(Frame::Ping(reply)) => {
                    self.replies.add(&reply);
                    return Ok(Some(Incoming::Alive));
                }
                None => {}
            }
            // A block serves many reads: to make room for each would move what has come of a frame each time.
            if self.buffer.capacity() - self.buffer.len() < frames::LEAST_AT_ONCE {
                self.buffer.reserve(frames::BLOCK);
            }
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.frames.rest());
            }
        }
    }
}

#[cfg(test)]
mod tests;
