//! The two halves of an exec connection: channel frames, pings, the status.
use super::Ended;
use anyhow::{Context, Result, anyhow, bail};
use futures::stream::{SplitSink, SplitStream};
use futures::{Sink, SinkExt, Stream, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message};

/// The channel that a message to the command's stdin begins with.
pub const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// Load balancers cut connections on which nothing moves, some after 60 s.
pub(in crate::cluster) const PING: Duration = Duration::from_secs(25);
/// A server from which nothing comes for so long, no answer to a ping either, is gone.
const SILENCE: Duration = Duration::from_secs(180);
/// How much of stderr is kept for a message.
const LAST_WORDS: usize = 4096;

type Sending = Pin<Box<dyn Sink<Message, Error = SocketError> + Send>>;
type Receiving = Pin<Box<dyn Stream<Item = std::result::Result<Message, SocketError>> + Send>>;

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

pub(super) fn halves<S>(socket: S, place: String) -> (Input, Output)
where
    S: Sink<Message, Error = SocketError> + Stream<Item = std::result::Result<Message, SocketError>> + Send + 'static,
{
    let (sink, stream): (SplitSink<S, Message>, SplitStream<S>) = socket.split();
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let input = Input { sink: Box::pin(sink), place: place.clone(), pings };
    (input, output(stream, place))
}

pub(super) fn output<S>(stream: S, place: String) -> Output
where
    S: Stream<Item = std::result::Result<Message, SocketError>> + Send + 'static,
{
    Output { stream: Box::pin(stream), place, stderr: Vec::new() }
}

impl Input {
    /// Sends messages that begin with [`STDIN`].
    ///
    /// # Errors
    /// The connection is lost; also when the command has ended meanwhile, which its output tells better.
    pub async fn send(&mut self, frames: Vec<Vec<u8>>) -> Result<()> {
        for frame in frames {
            debug_assert_eq!(frame.first(), Some(&STDIN), "the frame's channel");
            self.sink.feed(Message::Binary(frame.into())).await.with_context(|| self.lost())?;
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
        self.sink.send(Message::Ping(Bytes::new())).await.with_context(|| self.lost())
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
            let mut bytes = match message {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Close(_))) | None => {
                    bail!("the connection to {} was cut before the command had ended", self.place)
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    return Err(anyhow!(error).context(format!("lost the connection to {}", self.place)));
                }
            };
            // Servers greet with empty messages.
            if bytes.len() < 2 {
                continue;
            }
            let content = bytes.split_off(1);
            match bytes[0] {
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
