//! A made-up server at the other end: its frames cut anywhere, its pings, its ends.
use super::super::tests::to_the_end;
use super::super::wire::Heard;
use super::super::{Ended, Input, Output};
use super::halves;
use crate::documents::frames::message;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const ERROR: u32 = 1;
const STDOUT: u32 = 3;
const STDERR: u32 = 5;
const REPLY: [u8; 12] = [0x80, 3, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1];
const GOAWAY: [u8; 16] = [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
const SUCCESS: &[u8] = br#"{"metadata":{},"status":"Success"}"#;

fn data(stream: u32, flags: u32, content: &[u8]) -> Vec<u8> {
    [&stream.to_be_bytes()[..], &(flags << 24 | content.len() as u32).to_be_bytes(), content].concat()
}

/// A frame of the client's: what stands before its length, its flags, what it holds.
async fn frame(server: &mut DuplexStream) -> (u32, u8, Vec<u8>) {
    let (kind, flags) = (server.read_u32().await.expect("a frame"), server.read_u32().await.expect("a frame"));
    let mut content = vec![0; (flags & 0x00ff_ffff) as usize];
    server.read_exact(&mut content).await.expect("a frame");
    (kind, (flags >> 24) as u8, content)
}

/// A connection whose server has taken the streams, and these.
async fn connected(stdin: bool) -> (Input, Output, DuplexStream, Vec<Vec<u8>>) {
    let (client, mut server) = duplex(1 << 20);
    server.write_all(&REPLY).await.expect("room");
    let (input, output) = halves(client, stdin, "pod a/b".to_owned()).await.expect("streams");
    let mut opened = Vec::new();
    for _ in 0..3 + usize::from(stdin) {
        let (kind, flags, content) = frame(&mut server).await;
        assert_eq!((kind, flags), (0x8003_0001, 0), "SYN_STREAM, open at both ends");
        opened.push(content);
    }
    (input, output, server, opened)
}

#[tokio::test]
async fn a_command_has_a_stream_for_each_channel() {
    for stdin in [false, true] {
        let opened = connected(stdin).await.3;
        let of = |content: &[u8]| u32::from_be_bytes(*content.first_chunk().expect("a stream"));
        assert!(opened.iter().map(|content| of(content)).eq([1, 3, 5, 7].into_iter().take(opened.len())));
        let names = ["error", "stdout", "stderr", "stdin"];
        for (content, name) in opened.iter().zip(names) {
            assert!(content.windows(name.len()).any(|word| word == name.as_bytes()), "{name}: {content:?}");
        }
    }
}

#[tokio::test]
async fn a_message_is_a_frame_of_stdin_and_a_ping_is_answered_before_the_next() {
    let (mut input, mut output, mut server, _) = connected(true).await;
    input.send(vec![message(b"one"), message(b"")]).await.expect("sent");
    assert_eq!(frame(&mut server).await, (7, 0, b"one".to_vec()));
    assert_eq!(frame(&mut server).await, (7, 0, Vec::new()));
    let theirs = [&[0x80, 3, 0, 6, 0, 0, 0, 4][..], &[0, 0, 0, 8]].concat();
    server.write_all(&[&theirs[..], &data(STDOUT, 0, b"out")].concat()).await.expect("room");
    assert_eq!(output.next().await.expect("stdout"), Heard::Stdout("out".into()));
    input.send(vec![message(b"two")]).await.expect("sent");
    assert_eq!(frame(&mut server).await, (0x8003_0006, 0, vec![0, 0, 0, 8]));
    assert_eq!(frame(&mut server).await, (7, 0, b"two".to_vec()));
    input.ping().await.expect("sent");
    let (kind, _, number) = frame(&mut server).await;
    assert_eq!((kind, number[3] % 2), (0x8003_0006, 1), "a client's pings are odd");
}

#[tokio::test]
async fn a_status_in_parts_is_one_and_none_is_a_cut() {
    let ends =
        [data(ERROR, 1, b""), GOAWAY.to_vec(), vec![0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 5], Vec::new()];
    for end in ends {
        let (_input, mut output, mut server, _) = connected(false).await;
        let (first, second) = SUCCESS.split_at(11);
        server.write_all(&data(STDERR, 0, b"err")).await.expect("room");
        server.write_all(&[data(ERROR, 0, first), data(ERROR, 0, second)].concat()).await.expect("room");
        assert_eq!(output.next().await.expect("stderr"), Heard::Stderr("err".into()));
        assert_eq!(output.next().await.expect("the end"), Heard::Ended(Ended::Code(0)), "before the server is gone");
        let (_input, mut output, mut server, _) = connected(false).await;
        server.write_all(&[data(STDOUT, 1, b"all"), end.clone()].concat()).await.expect("room");
        drop(server);
        assert_eq!(output.next().await.expect("stdout"), Heard::Stdout("all".into()));
        let error = output.next().await.expect_err("no status").to_string();
        assert!(error.contains("pod a/b was cut"), "{end:?}: {error}");
        let (_input, mut output, mut server, _) = connected(false).await;
        server.write_all(&[data(ERROR, 0, first), end.clone()].concat()).await.expect("room");
        drop(server);
        let error = format!("{:#}", output.next().await.expect_err("half a status"));
        assert!(error.contains("cannot read the status"), "{end:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_stream_is_left() {
    for said in [&GOAWAY[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", b""] {
        let (client, mut server) = duplex(1 << 16);
        server.write_all(said).await.expect("room");
        drop(server);
        assert!(halves(client, true, "pod a/b".to_owned()).await.is_err(), "{said:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_a_command_says_arrives_whole_however_it_is_cut(
        content in vec(any::<u8>(), 0..300), size in 1..40_usize, piece in 1..50_usize, whole in any::<bool>()
    ) {
        let mut wire: Vec<u8> = content.chunks(size).flat_map(|bytes| data(STDOUT, 0, bytes)).collect();
        wire.extend(if whole { data(ERROR, 0, SUCCESS) } else { Vec::new() });
        prop_assert_eq!(heard(&wire, piece), (content, whole.then_some(Ended::Code(0))));
    }

    #[test]
    fn no_bytes_are_a_success_that_hold_none(mut wire in vec(any::<u8>(), 0..200), kind in 0..10_u8, piece in 1..50_usize) {
        let head = [0x80, 3, 0, kind, 0, 0, 0, 16];
        wire.splice(0..0, head);
        prop_assert!(heard(&wire, piece).1 != Some(Ended::Code(0)));
    }
}

/// What is heard of a wire whose bytes come in pieces, to the end or to an error.
fn heard(wire: &[u8], piece: usize) -> (Vec<u8>, Option<Ended>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (_input, output, mut server, _) = connected(false).await;
        let speaking = async {
            for bytes in wire.chunks(piece) {
                server.write_all(bytes).await.expect("room");
                tokio::task::yield_now().await;
            }
            drop(server);
        };
        tokio::join!(speaking, to_the_end(output)).1
    })
}
