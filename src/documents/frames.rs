//! Cutting a stream into the frames that the scripts read: a line `SIZE COUNT`, then SIZE × COUNT bytes, at last `end`.
//!
//! A chunk is what the script copies with one `dd`; a frame is what goes as one WebSocket message. A process for each small
//! chunk would cost more than the network; a big message costs copies in the sender's buffer.
use std::mem;

/// `dd` reads blocks of this size: what a pipe holds.
const BLOCK: usize = 64 * 1024;
const BLOCKS: usize = 64;
/// Content of one message. Servers gather it in a buffer that grows by steps: a little less than 128 KiB saves them the last step,
/// a tenth of what containerd spends (measured); smaller ones cost more calls, bigger ones more copies.
const FRAME: usize = 120 * 1024;
const CHUNK: usize = BLOCK * BLOCKS;
/// Zeros in front of each message, where a protocol writes what says whose bytes they are: SPDY needs eight, WebSocket one.
pub const ROOM: usize = 8;

/// Messages that make one chunk, each with [`ROOM`] in front.
pub type Chunk = Vec<Vec<u8>>;

/// Gathers bytes to chunks.
#[derive(Debug, Default)]
pub struct Framer {
    frames: Chunk,
    length: usize,
}

/// A message with this content.
pub fn message(content: &[u8]) -> Vec<u8> {
    [&[0; ROOM], content].concat()
}

/// The same as several messages, where it is long.
pub fn messages(content: &[u8]) -> Vec<Vec<u8>> {
    content.chunks(FRAME).map(message).collect()
}

impl Framer {
    /// Takes bytes; gives back the chunks that are full now.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Chunk> {
        let mut full = Vec::new();
        while !bytes.is_empty() {
            let frame = match self.frames.last_mut() {
                Some(frame) if frame.len() < FRAME + ROOM => frame,
                _ => {
                    let mut frame = Vec::with_capacity(FRAME + ROOM);
                    frame.resize(ROOM, 0);
                    self.frames.push(frame);
                    continue;
                }
            };
            let (now, later) = bytes.split_at(bytes.len().min(FRAME + ROOM - frame.len()).min(CHUNK - self.length));
            frame.extend_from_slice(now);
            bytes = later;
            self.length += now.len();
            if self.length == CHUNK {
                full.push(self.chunk(BLOCK, BLOCKS));
            }
        }
        full
    }

    /// The last chunk and the end of this part; more parts may follow.
    pub fn end(&mut self) -> Vec<Chunk> {
        let mut last = Vec::new();
        if self.length > 0 {
            last.push(self.chunk(self.length, 1));
        }
        last.push(vec![line("end")]);
        last
    }

    fn chunk(&mut self, size: usize, count: usize) -> Chunk {
        self.length = 0;
        let mut chunk = vec![line(&format!("{size} {count}"))];
        chunk.append(&mut mem::take(&mut self.frames));
        chunk
    }
}

fn line(text: &str) -> Vec<u8> {
    message(format!("{text}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `unframe` of the scripts makes of it.
    fn unframed(chunks: &[Chunk]) -> Option<Vec<u8>> {
        let stream: Vec<u8> = chunks.iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect();
        let (mut rest, mut content) = (&stream[..], Vec::new());
        loop {
            let line = rest.iter().position(|&byte| byte == b'\n')?;
            let text = str::from_utf8(&rest[..line]).expect("a line");
            rest = &rest[line + 1..];
            let Some((size, count)) = text.split_once(' ') else {
                return (text == "end" && rest.is_empty()).then_some(content);
            };
            let length = size.parse::<usize>().expect("a number") * count.parse::<usize>().expect("a number");
            content.extend_from_slice(rest.get(..length)?);
            rest = &rest[length..];
        }
    }

    #[test]
    fn any_length_arrives_whole_in_any_pieces() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 77] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            for piece in [1000, 32 * 1024, CHUNK + 5] {
                let mut framer = Framer::default();
                let mut chunks: Vec<Chunk> = content.chunks(piece).flat_map(|bytes| framer.push(bytes)).collect();
                chunks.extend(framer.end());
                assert!(chunks.iter().flatten().all(|frame| frame[..ROOM] == [0; ROOM] && frame.len() <= FRAME + ROOM));
                assert_eq!(unframed(&chunks).as_ref(), Some(&content), "{length} in {piece}");
                chunks.pop();
                assert_eq!(unframed(&chunks), None, "without its end it is not whole");
            }
        }
    }
}
