//! Connections that end in every way, as messages of a made-up socket.
use super::wire::halves;
use super::*;
use futures::{Sink, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

/// A socket that says these messages, then closes.
struct Socket(VecDeque<Message>);

impl Stream for Socket {
    type Item = Result<Message, SocketError>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = SocketError;
    fn poll_ready(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
    fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), SocketError> {
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
}

fn output(messages: &[&[u8]]) -> Output {
    halves(Socket(messages.iter().map(|bytes| Message::Binary(bytes.to_vec().into())).collect()), "pod a/b".to_owned())
        .1
}

const SUCCESS: &[u8] = br#"{"metadata":{},"status":"Success"}"#;
const CODE: &[u8] = br#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"22"}]}}"#;
const LOST: &[u8] = br#"{"metadata":{},"status":"Failure","message":"container not found","code":500}"#;

fn with(channel: u8, content: &[u8]) -> Vec<u8> {
    [&[channel], content].concat()
}

#[tokio::test]
async fn a_status_tells_how_a_command_ended() {
    for (status, ended) in
        [(SUCCESS, Ended::Code(0)), (CODE, Ended::Code(22)), (LOST, Ended::Failed("container not found".to_owned()))]
    {
        let mut output = output(&[b"\x01", b"\x01out", b"\x02err", &with(3, status)]);
        assert_eq!(
            output.next().await.expect("stdout"),
            Heard::Stdout("out".into()),
            "an empty greeting is passed over"
        );
        assert_eq!(output.next().await.expect("stderr"), Heard::Stderr("err".into()));
        assert_eq!(output.next().await.expect("the end"), Heard::Ended(ended));
        assert_eq!(output.last_words(), "err");
    }
}

#[tokio::test]
async fn a_closed_socket_without_a_status_is_an_error() {
    let mut output = output(&[b"\x01out"]);
    output.next().await.expect("stdout");
    let error = output.next().await.expect_err("it was cut").to_string();
    assert!(error.contains("pod a/b was cut"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_for_long_is_gone() {
    let mut output = wire::output(futures::stream::pending(), "pod a/b".to_owned());
    let error = output.next().await.expect_err("silence").to_string();
    assert!(error.contains("has not been heard of"), "{error}");
}
