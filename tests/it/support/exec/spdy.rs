//! The server's side of SPDY/3.1, turned into a WebSocket's messages, as newer API servers turn the one into the other.
//!
//! As moby/spdystream has it: no windows, pings are sent back, and what the client's header blocks are packed in is left to zlib. A
//! real one knows SPDY's dictionary too; clients that want it are not served here.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use futures::stream::{self, BoxStream};
use futures::{Sink, StreamExt as _, sink};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;

use super::session::{CHUNK, CLOSE, ERROR, STDERR, STDIN, STDOUT};

/// What the answer to the upgrade names.
pub(super) const PROTOCOL: &str = "SPDY/3.1";

const CONTROL: u32 = 0x8003_0000;
const SYN_STREAM: u32 = 1;
const SYN_REPLY: u32 = 2;
const RST_STREAM: u32 = 3;
const PING: u32 = 6;
const GOAWAY: u32 = 7;
const FIN: u8 = 1;

pub(super) type Frames = BoxStream<'static, Message>;
pub(super) type Sending = Pin<Box<dyn Sink<Message, Error = io::Error> + Send>>;

type Writer<C> = Arc<Mutex<WriteHalf<C>>>;

struct Reader<C> {
    from: BufReader<ReadHalf<C>>,
    to: Writer<C>,
    inflate: Decompress,
    deflate: Compress,
    /// The client's streams by their numbers.
    channels: HashMap<u32, u8>,
}

/// Waits for as many streams as the command needs.
///
/// # Errors
/// What comes is not SPDY, or ends.
pub(super) async fn accept<C>(connection: C, streams: usize) -> io::Result<(Sending, Frames)>
where
    C: AsyncRead + AsyncWrite + Send + 'static,
{
    let (from, to) = split(connection);
    let from = BufReader::with_capacity(CHUNK, from);
    let to = Arc::new(Mutex::new(to));
    let (inflate, deflate) = (Decompress::new(true), Compress::new(Compression::fast(), true));
    let mut reader = Reader { from, to: Arc::clone(&to), inflate, deflate, channels: HashMap::new() };
    while reader.channels.len() < streams {
        reader.next().await?;
    }
    let numbers = reader.channels.iter().map(|(number, channel)| (*channel, *number)).collect();
    let sending = sink::unfold((to, numbers), |(to, numbers), message| async move {
        send(&to, &numbers, message).await?;
        Ok((to, numbers))
    });
    let frames = stream::unfold(reader, |mut reader| async move {
        loop {
            match reader.next().await {
                Ok(Some(message)) => return Some((message, reader)),
                Ok(None) => {}
                Err(_) => return None,
            }
        }
    });
    Ok((Box::pin(sending), frames.boxed()))
}

async fn send<C>(to: &Writer<C>, numbers: &HashMap<u8, u32>, message: Message) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite,
{
    let frames = match &message {
        Message::Binary(data) => match data.split_first() {
            Some((channel, content)) if !content.is_empty() => match numbers.get(channel) {
                Some(number) => [&head(*number, content.len())[..], content].concat(),
                None => return Ok(()),
            },
            _ => return Ok(()),
        },
        Message::Close(_) => {
            let reset = |number: &u32| control(RST_STREAM, &[number.to_be_bytes(), 5_u32.to_be_bytes()].concat());
            numbers.values().flat_map(reset).chain(control(GOAWAY, &[0; 8])).collect()
        }
        _ => return Ok(()),
    };
    let mut to = to.lock().await;
    to.write_all(&frames).await?;
    to.flush().await
}

impl<C: AsyncRead + AsyncWrite> Reader<C> {
    /// What the next frame says to the command, if anything.
    async fn next(&mut self) -> io::Result<Option<Message>> {
        let (kind, flags) = (self.from.read_u32().await?, self.from.read_u32().await?);
        let length = (flags & 0x00ff_ffff) as usize;
        // With its channel in front, as a message of stdin.
        let mut message = Vec::with_capacity(1 + length);
        message.push(STDIN);
        (&mut self.from).take(length as u64).read_to_end(&mut message).await?;
        if message.len() <= length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let content = &message[1..];
        let finished = (flags >> 24) as u8 & FIN != 0;
        match kind.checked_sub(CONTROL) {
            None if self.channels.get(&kind) == Some(&STDIN) && finished && content.is_empty() => {
                Ok(Some(Message::Binary(vec![CLOSE, STDIN].into())))
            }
            None if self.channels.get(&kind) == Some(&STDIN) => Ok(Some(Message::Binary(message.into()))),
            Some(SYN_STREAM) => self.opened(content).await.map(|()| None),
            Some(PING) => self.answer(control(PING, content)).await.map(|()| None),
            Some(GOAWAY) => Ok(Some(Message::Close(None))),
            _ => Ok(None),
        }
    }

    async fn opened(&mut self, content: &[u8]) -> io::Result<()> {
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let (number, block) = content.split_first_chunk::<4>().ok_or_else(|| bad("a short frame"))?;
        let block = block.get(6..).ok_or_else(|| bad("a short frame"))?;
        let mut headers = Vec::with_capacity(4096);
        self.inflate.decompress_vec(block, &mut headers, FlushDecompress::Sync)?;
        let channel = match words(&headers).as_deref() {
            Some(["streamtype", "error"]) => ERROR,
            Some(["streamtype", "stdin"]) => STDIN,
            Some(["streamtype", "stdout"]) => STDOUT,
            Some(["streamtype", "stderr"]) => STDERR,
            other => return Err(bad(&format!("a stream with the headers {other:?}"))),
        };
        let opened = u32::from_be_bytes(*number);
        if opened % 2 == 0 || self.channels.keys().any(|known| *known >= opened) {
            return Err(bad("a client's streams have growing odd numbers"));
        }
        self.channels.insert(opened, channel);
        let mut block = Vec::with_capacity(256);
        self.deflate.compress_vec(&[0; 4], &mut block, FlushCompress::Sync)?;
        self.answer(control(SYN_REPLY, &[&number[..], &block].concat())).await
    }

    async fn answer(&mut self, frame: Vec<u8>) -> io::Result<()> {
        let mut to = self.to.lock().await;
        to.write_all(&frame).await?;
        to.flush().await
    }
}

/// The names and values of a header block.
fn words(block: &[u8]) -> Option<Vec<&str>> {
    let (count, mut rest) = block.split_first_chunk::<4>()?;
    let mut words = Vec::new();
    for _ in 0..2 * u32::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (word, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        words.push(str::from_utf8(word).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(words)
}

fn head(kind: u32, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).expect("a frame of the lab's own");
    [kind.to_be_bytes(), length.to_be_bytes()].concat()
}

fn control(kind: u32, content: &[u8]) -> Vec<u8> {
    [&head(CONTROL | kind, content.len()), content].concat()
}
