//! One exec session: channels of a connection to the pipes of a process and back.
//!
//! Nothing is buffered beyond a frame: a client that does not read stops the process's writes, and
//! a process that does not read stops the client's. When the client is gone the process is not
//! killed, as with a real runtime: it reads the end of its stdin, which for the process is no
//! different from a proper end, and its output is no longer taken.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::super::container::enter::{Entered, Streams};
use super::super::container::{Container, Exit};
use super::spdy::{Frames, Sending};

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const ERROR: u8 = 3;
pub(super) const CLOSE: u8 = 255;

/// The bytes of a process that one frame carries.
pub(super) const CHUNK: usize = 32 * 1024;

pub(super) struct Session {
    pub(super) container: Container,
    pub(super) half_close: bool,
    pub(super) streams: Streams,
    pub(super) argv: Vec<String>,
}

impl Session {
    pub(super) async fn run(self, sink: Sending, frames: Frames) {
        let (send, queue) = mpsc::channel(1);
        let writer = tokio::spawn(write_frames(sink, queue));
        // An empty frame tells the client that the connection is there.
        let first = match self.streams {
            Streams { stdout: true, .. } => STDOUT,
            Streams { stderr: true, .. } => STDERR,
            _ => ERROR,
        };
        let _ = send.send(frame(first, &[])).await;
        match self.container.enter(&self.argv, self.streams).await {
            Ok(process) => self.relay(process, frames, &send).await,
            Err(why) => {
                let _ = send.send(frame(ERROR, not_started(&why).as_bytes())).await;
                let _ = send.send(Message::Close(None)).await;
                leave(frames).await;
            }
        }
        drop(send);
        let _ = writer.await;
    }

    async fn relay(&self, mut process: Entered, frames: Frames, send: &mpsc::Sender<Message>) {
        let stdin = process.stdin.take();
        let reader = tokio::spawn(read_frames(frames, stdin, self.half_close));
        let stdout = tokio::spawn(drain(process.stdout.take(), STDOUT, send.clone()));
        let stderr = tokio::spawn(drain(process.stderr.take(), STDERR, send.clone()));
        let exit = process.ended().await;
        for output in [stdout.await.is_ok(), stderr.await.is_ok()] {
            debug_assert!(output, "a drain does not panic");
        }
        let status = ended(exit);
        let _ = send.send(frame(ERROR, status.as_bytes())).await;
        let _ = send.send(Message::Close(None)).await;
        // Closing with the client's bytes unread would reset the connection under our last frames.
        let _ = tokio::time::timeout(Duration::from_secs(1), reader).await;
    }
}

async fn write_frames(mut sink: Sending, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
}

/// Reads to the end of the connection; what comes after the process has closed its stdin is lost.
async fn read_frames(mut frames: Frames, mut stdin: Option<ChildStdin>, half_close: bool) {
    while let Some(message) = frames.next().await {
        let data = match message {
            Message::Binary(data) => data,
            Message::Text(text) => text.into(),
            Message::Close(_) => break,
            _ => continue,
        };
        match data.split_first() {
            Some((&STDIN, data)) => {
                if let Some(pipe) = &mut stdin
                    && pipe.write_all(data).await.is_err()
                {
                    stdin = None;
                }
            }
            Some((&CLOSE, [STDIN])) if half_close => stdin = None,
            // A resize, or a channel that is not the client's to write.
            _ => {}
        }
    }
}

/// Until the process has closed its end. When nobody takes the output any more the pipe stays
/// open and unread, so the process blocks, as it does under containerd's shim.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, channel: u8, send: mpsc::Sender<Message>) -> () {
    let Some(mut pipe) = pipe else {
        return;
    };
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        if send.send(frame(channel, &chunk[..count])).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits a moment for the client to have read the last frames.
async fn leave(mut frames: Frames) {
    let all = async { while frames.next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), all).await;
}

fn frame(channel: u8, data: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(channel);
    bytes.extend_from_slice(data);
    Message::Binary(bytes.into())
}

fn ended(exit: Exit) -> String {
    if exit.code == 0 {
        return json!({"metadata": {}, "status": "Success"}).to_string();
    }
    let code = exit.code.to_string();
    failure(json!({
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": code}]},
    }))
}

fn not_started(why: &str) -> String {
    failure(json!({
        "message": format!("Internal error occurred: error executing command in container: {why}"),
        "reason": "InternalError",
        "details": {"causes": [{"message": why}]},
        "code": 500,
    }))
}

fn failure(mut status: Value) -> String {
    status["metadata"] = json!({});
    status["status"] = "Failure".into();
    status.to_string()
}
