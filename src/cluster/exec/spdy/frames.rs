//! SPDY's frames, as far as exec has them.
use super::super::wire::{Incoming, STATUS, STDERR, STDOUT};
use crate::documents::frames::ROOM;
use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;

/// What is read into, until there is no room for so much at a time any more: servers make frames of 32 KiB.
pub(super) const BLOCK: usize = 512 * 1024;
pub(super) const LEAST_AT_ONCE: usize = 64 * 1024;
/// Control bit and version 3, then the kind; of a data frame: its stream. Then flags and 24 bits of length.
const HEAD: usize = 8;
const CONTROL: u32 = 0x8003_0000;
const SYN_STREAM: u32 = 1;
const RST_STREAM: u32 = 3;
const PING: u32 = 6;
const GOAWAY: u32 = 7;
const FIN: u8 = 1;

/// A client's streams have odd numbers, in the order of their opening.
const ERROR_STREAM: u32 = 1;
const STDOUT_STREAM: u32 = 3;
const STDERR_STREAM: u32 = 5;
const STDIN_STREAM: u32 = 7;

/// One that came.
pub(super) enum Frame {
    Incoming(Incoming),
    /// The server's, with what it is to be answered.
    Ping(Vec<u8>),
}

/// What opens the streams.
pub(super) fn opening(stdin: bool) -> Vec<u8> {
    let streams =
        [(ERROR_STREAM, "error"), (STDOUT_STREAM, "stdout"), (STDERR_STREAM, "stderr"), (STDIN_STREAM, "stdin")];
    let mut opening = Vec::new();
    for (stream, name) in streams.into_iter().filter(|(stream, _)| stdin || *stream != STDIN_STREAM) {
        let mut content = [stream.to_be_bytes(), [0; 4]].concat();
        content.extend([0, 0]);
        // The first of a connection's blocks begins its zlib stream, in which no dictionary is asked for.
        content.extend_from_slice(if stream == ERROR_STREAM { &[0x78, 0x01] } else { &[] });
        content.extend(stored(&headers(name)));
        opening.extend(control(SYN_STREAM, &content));
    }
    opening
}

fn headers(stream: &str) -> Vec<u8> {
    let word = |word: &str| [&(word.len() as u32).to_be_bytes(), word.as_bytes()].concat();
    [&1_u32.to_be_bytes()[..], &word("streamtype"), &word(stream)].concat()
}

/// A stored block of deflate, and an empty one, at which an inflater gives out what it has.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let block = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat();
    [&block[..], &[0, 0, 0, 0xff, 0xff]].concat()
}

fn control(kind: u32, content: &[u8]) -> Vec<u8> {
    [&(CONTROL | kind).to_be_bytes()[..], &(content.len() as u32).to_be_bytes(), content].concat()
}

pub(super) fn ping(number: u32) -> Vec<u8> {
    control(PING, &number.to_be_bytes())
}

/// A client's pings have odd numbers.
pub(super) fn ours(count: u32) -> u32 {
    count.wrapping_mul(2).wrapping_add(1)
}

/// Makes a message with room in front a data frame of stdin.
pub(super) fn address(message: &mut [u8]) {
    let length = (message.len() - ROOM) as u32;
    debug_assert!(length < 1 << 24, "a frame's length has 24 bits");
    let (head, _) = message.split_at_mut(HEAD);
    head[..4].copy_from_slice(&STDIN_STREAM.to_be_bytes());
    head[4..].copy_from_slice(&length.to_be_bytes());
}

const _: () = assert!(ROOM == HEAD);

/// Cuts what comes into frames.
#[derive(Default)]
pub(super) struct Frames {
    /// The status, as far as it has come.
    status: BytesMut,
}

impl Frames {
    /// The next that has come whole.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        let word = |at: usize| Some(u32::from_be_bytes(buffer.get(at..at + 4)?.try_into().ok()?));
        let (kind, flags) = (word(0)?, word(4)?);
        let length = (flags & 0x00ff_ffff) as usize;
        if buffer.len() < HEAD + length {
            return None;
        }
        let content = buffer.split_to(HEAD + length).freeze().slice(HEAD..);
        let finished = (flags >> 24) as u8 & FIN != 0;
        Some(match kind.checked_sub(CONTROL) {
            None => Frame::Incoming(self.data(kind, content, finished)),
            Some(PING) => match content.first_chunk().map(|number| u32::from_be_bytes(*number)) {
                Some(number) if number % 2 == 0 => Frame::Ping(ping(number)),
                _ => Frame::Incoming(Incoming::Alive),
            },
            Some(RST_STREAM) if content.starts_with(&ERROR_STREAM.to_be_bytes()) => Frame::Incoming(self.closed()),
            Some(GOAWAY) => Frame::Incoming(self.closed()),
            Some(_) => Frame::Incoming(Incoming::Alive),
        })
    }

    fn data(&mut self, stream: u32, content: Bytes, finished: bool) -> Incoming {
        match stream {
            STDOUT_STREAM => Incoming::Message(STDOUT, content),
            STDERR_STREAM => Incoming::Message(STDERR, content),
            ERROR_STREAM => {
                self.status.extend_from_slice(&content);
                match finished || serde_json::from_slice::<IgnoredAny>(&self.status).is_ok() {
                    true => self.closed(),
                    false => Incoming::Alive,
                }
            }
            _ => Incoming::Alive,
        }
    }

    /// Nothing more comes: what has come of the status is all of it.
    fn closed(&mut self) -> Incoming {
        self.rest().unwrap_or(Incoming::Closed)
    }

    /// The status, if any has come that was not given yet.
    pub(super) fn rest(&mut self) -> Option<Incoming> {
        (!self.status.is_empty()).then(|| Incoming::Message(STATUS, self.status.split().freeze()))
    }
}
