//! The two halves of an exec connection, whatever carries its messages: channels, pings, the status.
use super::Ended;
use anyhow::{Context, Error, Result, bail};
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const STATUS: u8 = 3;

pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// Load balancers cut connections on which nothing moves, some after 60 s.
pub(in crate::cluster) const PING: Duration = Duration::from_secs(25);
/// A server from which nothing comes for so long, no answer to a ping either, is gone.
const SILENCE: Duration = Duration::from_secs(180);
/// How much of stderr is kept for a message.
const LAST_WORDS: usize = 4096;

/// What a protocol carries to the server.
pub(super) enum Outgoing {
    /// For stdin, with [`ROOM`](crate::documents::frames::ROOM) in front.
    Stdin(Vec<u8>),
    Ping,
}

/// What it carries back.
pub(super) enum Incoming {
    /// A channel's; of the status never a part.
    Message(u8, Bytes),
    /// Nothing that a command said; the server lives.
    Alive,
    Closed,
}

type Sending = Pin<Box<dyn Sink<Outgoing, Error = Error> + Send>>;
type Receiving = Pin<Box<dyn Stream<Item = Result<Incoming>> + Send>>;

/// What comes from a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The last: the server's own word for it, never a guess from a closed socket.
    Ended(Ended),
}

/// Towards the command.
pub struct Input {
    sink: Sending,
    place: String,
    pings: Interval,
}

/// From the command.
pub struct Output {
    stream: Receiving,
    place: String,
    stderr: Vec<u8>,
}

pub(super) fn halves(
    sink: impl Sink<Outgoing, Error = Error> + Send + 'static,
    stream: impl Stream<Item = Result<Incoming>> + Send + 'static,
    place: String,
) -> (Input, Output) {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let input = Input { sink: Box::pin(sink), place: place.clone(), pings };
    (input, output(stream, place))
}

pub(super) fn output(stream: impl Stream<Item = Result<Incoming>> + Send + 'static, place: String) -> Output {
    Output { stream: Box::pin(stream), place, stderr: Vec::new() }
}

impl Input {
    /// Sends messages to stdin, each with [`ROOM`](crate::documents::frames::ROOM) in front.
    ///
    /// # Errors
    /// The connection is lost; also when the command has ended meanwhile, which its output tells better.
    pub async fn send(&mut self, frames: Vec<Vec<u8>>) -> Result<()> {
        for frame in frames {
            self.sink.feed(Outgoing::Stdin(frame)).await.with_context(|| self.lost())?;
        }
        self.sink.flush().await.with_context(|| self.lost())
    }

    /// Keeps an idle connection alive, for ever: to be run beside what reads the output.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn keep_alive<T>(&mut self) -> Result<T> {
        loop {
            self.pings.tick().await;
            self.ping().await?;
        }
    }

    /// # Errors
    /// The connection is lost.
    pub(in crate::cluster) async fn ping(&mut self) -> Result<()> {
        self.sink.send(Outgoing::Ping).await.with_context(|| self.lost())
    }

    fn lost(&self) -> String {
        format!("lost the connection to {}", self.place)
    }
}

impl Output {
    /// The next that comes.
    ///
    /// # Errors
    /// The connection ends before the command's status has come, or nothing comes for too long.
    pub async fn next(&mut self) -> Result<Heard> {
        loop {
            let Ok(message) = timeout(SILENCE, self.stream.next()).await else {
                bail!("{} has not been heard of for {} s", self.place, SILENCE.as_secs());
            };
            let (channel, content) = match message {
                // Servers greet with empty messages.
                Some(Ok(Incoming::Message(_, content))) if content.is_empty() => continue,
                Some(Ok(Incoming::Message(channel, content))) => (channel, content),
                Some(Ok(Incoming::Alive)) => continue,
                Some(Ok(Incoming::Closed)) | None => {
                    bail!("the connection to {} was cut before the command had ended", self.place)
                }
                Some(Err(error)) => return Err(error.context(format!("lost the connection to {}", self.place))),
            };
            match channel {
                STDOUT => return Ok(Heard::Stdout(content)),
                STDERR => {
                    self.remember(&content);
                    return Ok(Heard::Stderr(content));
                }
                STATUS => return Ok(Heard::Ended(status(&content)?)),
                _ => {}
            }
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
        let surplus = self.stderr.len().saturating_sub(LAST_WORDS);
        self.stderr.drain(..surplus);
    }

    /// The end of what the command wrote to stderr.
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

fn status(content: &[u8]) -> Result<Ended> {
    let status: Status = serde_json::from_slice(content).context("cannot read the status of a command")?;
    if status.status.as_deref() == Some("Success") {
        return Ok(Ended::Code(0));
    }
    let causes = status.details.as_ref().and_then(|details| details.causes.as_deref()).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    let code = code.and_then(|cause| cause.message.as_deref()?.parse().ok());
    // A failure is none of the successes, whatever its code.
    Ok(match code.filter(|code| *code != 0) {
        Some(code) => Ended::Code(code),
        None => Ended::Failed(status.message.unwrap_or_else(|| "no reason given".to_owned())),
    })
}
