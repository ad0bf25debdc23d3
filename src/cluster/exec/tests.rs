//! Connections that end in every way, as messages of a made-up socket.
use super::websocket::halves;
use super::*;
use crate::cluster::talk::{Spoken, Talk};
use crate::cluster::transfer::Reading;
use crate::documents::frames::message as framed;
use futures::{Sink, Stream};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
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

/// Everything that is heard, to the end or to an error.
fn heard(messages: Vec<Message>) -> (Vec<u8>, Option<Ended>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    // Its clock for pings is one of the runtime's.
    runtime.block_on(async { to_the_end(halves(Socket(messages.into()), "pod a/b".to_owned()).1).await })
}

/// Its stdout, and how it ended, if it did.
pub(super) async fn to_the_end(mut output: Output) -> (Vec<u8>, Option<Ended>) {
    let mut stdout = Vec::new();
    loop {
        match output.next().await {
            Ok(Heard::Stdout(bytes)) => stdout.extend_from_slice(&bytes),
            Ok(Heard::Stderr(_)) => {}
            Ok(Heard::Ended(ended)) => return (stdout, Some(ended)),
            Err(_) => return (stdout, None),
        }
    }
}

/// A status in which a few bytes were replaced.
fn bent_status() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((0..400_usize, any::<u8>()), 0..4);
    (prop_oneof![Just(SUCCESS), Just(CODE), Just(LOST)], edits).prop_map(|(whole, edits)| {
        let mut status = whole.to_vec();
        edits.iter().for_each(|(at, byte)| status[at % whole.len()] = *byte);
        with(3, &status)
    })
}

fn message() -> impl Strategy<Value = Message> {
    let any_bytes = || vec(any::<u8>(), 0..40);
    prop_oneof![
        any_bytes().prop_map(|bytes| Message::Binary(bytes.into())),
        any_bytes().prop_map(|bytes| Message::Binary(with(1, &bytes).into())),
        bent_status().prop_map(|bytes| Message::Binary(bytes.into())),
        Just(Message::Ping(Vec::new().into())),
        Just(Message::Close(None)),
        ".{0,20}".prop_map(|text| Message::Text(text.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn only_the_word_success_in_a_status_is_one(messages in vec(message(), 0..12)) {
        let said = |message: &Message| match message {
            Message::Binary(bytes) => bytes.len() > 1 && bytes[0] == 3 && bytes.windows(9).any(|word| word == b"\"Success\""),
            _ => false,
        };
        let success = messages.iter().any(said);
        let (_, ended) = heard(messages);
        prop_assert!(success || ended != Some(Ended::Code(0)));
    }

    #[test]
    fn what_a_command_says_arrives_whole_however_it_is_cut_into_messages(content in vec(any::<u8>(), 0..300), piece in 1..40_usize) {
        let mut messages: Vec<Message> = content.chunks(piece).map(|bytes| Message::Binary(with(1, bytes).into())).collect();
        prop_assert_eq!(heard(messages.clone()), (content.clone(), None), "without a status it is cut");
        messages.push(Message::Binary(with(3, SUCCESS).into()));
        prop_assert_eq!(heard(messages), (content, Some(Ended::Code(0))));
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut_into_messages(
        lines in vec("[^\n]{0,9}|é日本|\\PC{0,40}", 0..8), odd in vec(any::<u8>(), 0..9), ends in any::<bool>(), piece in 1..20_usize
    ) {
        let odd: Vec<u8> = odd.into_iter().filter(|byte| *byte != b'\n').collect();
        let mut content = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect::<Vec<u8>>();
        content.extend_from_slice(&odd);
        let mut expected = lines;
        // The last line of a script that has ended may have no newline.
        if ends || !odd.is_empty() {
            content.extend_from_slice(if ends { b"\n" } else { b"" });
            expected.push(String::from_utf8_lossy(&odd).into_owned());
        }
        let mut messages: Vec<Message> = content.chunks(piece).map(|bytes| Message::Binary(with(1, bytes).into())).collect();
        let cut = expected[..expected.len() - usize::from(!ends && !odd.is_empty())].to_vec();
        prop_assert_eq!(spoken(messages.clone()), (cut, None), "without a status it is cut, and so is a line without its end");
        messages.push(Message::Binary(with(3, SUCCESS).into()));
        prop_assert_eq!(spoken(messages), (expected, Some(Ended::Code(0))));
    }
}

/// Every line of a conversation, to its end or to an error.
fn spoken(messages: Vec<Message>) -> (Vec<String>, Option<Ended>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (input, output) = halves(Socket(messages.into()), "pod a/b".to_owned());
        let (mut talk, mut lines) = (Talk::over(input, output), Vec::new());
        loop {
            match talk.next().await {
                Ok(Spoken::Line(line)) => lines.push(line),
                Ok(Spoken::Ended(ended)) => return (lines, Some(ended)),
                Err(_) => return (lines, None),
            }
        }
    })
}

#[tokio::test]
async fn a_line_of_many_megabytes_takes_no_longer_than_its_bytes() {
    let piece = Message::Binary(with(1, &[b'x'; 32 * 1024]).into());
    let messages = std::iter::repeat_n(piece, 2_000).chain([Message::Binary(with(1, b"\n").into())]);
    let (input, output) = halves(Socket(messages.collect()), "pod a/b".to_owned());
    let began = std::time::Instant::now();
    let line = Talk::over(input, output).next().await.expect("a line");
    assert!(matches!(line, Spoken::Line(line) if line.len() == 2_000 * 32 * 1024));
    // Looked at from its beginning for each piece, it takes minutes.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

/// Says nothing but pongs, and keeps what it is sent.
struct Idle {
    sent: Arc<Mutex<Vec<Message>>>,
    pongs: tokio::time::Interval,
}

impl Stream for Idle {
    type Item = Result<Message, SocketError>;
    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.pongs.poll_tick(task).map(|_| Some(Ok(Message::Pong(Vec::new().into()))))
    }
}

impl Sink<Message> for Idle {
    type Error = SocketError;
    fn poll_ready(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SocketError> {
        self.sent.lock().expect("no panic").push(message);
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }
}

type Sent = Arc<Mutex<Vec<Message>>>;

fn idle_halves() -> (Input, Output, Sent) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let pongs = tokio::time::interval(std::time::Duration::from_secs(30));
    let (input, output) = halves(Idle { sent: Arc::clone(&sent), pongs }, "pod a/b".to_owned());
    (input, output, sent)
}

fn idle() -> (Talk, Sent) {
    let (input, output, sent) = idle_halves();
    (Talk::over(input, output), sent)
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_output_nobody_takes_for_minutes_is_kept_alive() {
    let (input, output, sent) = idle_halves();
    let work = async {
        tokio::time::sleep(std::time::Duration::from_secs(300)).await;
        Ok(7)
    };
    assert_eq!(Reading::over(input, output).beside(work).await.expect("done"), 7);
    let pings = sent.lock().expect("no panic").iter().filter(|message| message.is_ping()).count();
    assert!(pings >= 10, "a load balancer cuts after a minute: {pings}");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_nobody_drives_is_kept_alive_until_it_is_dropped() {
    let (talk, sent) = idle();
    let minutes = |count: u64| tokio::time::sleep(std::time::Duration::from_secs(count * 60));
    minutes(5).await;
    let pings = || sent.lock().expect("no panic").iter().filter(|message| message.is_ping()).count();
    let before = pings();
    assert!(before >= 10, "a load balancer cuts after a minute: {before}");
    drop(talk);
    minutes(5).await;
    assert_eq!(pings(), before);
}

#[tokio::test(start_paused = true)]
async fn a_script_that_never_ends_is_given_up() {
    let (mut talk, sent) = idle();
    let pod = PodRef { namespace: "a".to_owned(), pod: "b".to_owned(), container: None };
    let error = talk.tell(&pod, vec![framed(b"go")]).await.expect_err("a limit").to_string();
    assert!(error.contains("a script in pod a/b has not ended within 60 minutes"), "{error}");
    assert!(sent.lock().expect("no panic").iter().any(Message::is_binary));
}
