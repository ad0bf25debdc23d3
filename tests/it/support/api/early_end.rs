//! A stream of a container's log that ends well before its end: what an API server makes of a kubelet that restarts.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::unfold;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use hyper::body::Frame;

use super::answer::Body;

/// How much of the line in which a stream ends is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// So many hundredths of its text.
    Part(usize),
    /// All but its newline.
    Text,
    Line,
}

/// Where streams end; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct EarlyEnd {
    kept: Kept,
    /// Only in a line with these words, and each time; else in each line once.
    only: Option<String>,
    /// What the kubelet writes behind it.
    last_words: &'static str,
    /// Lines in which a stream has ended.
    ended: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl EarlyEnd {
    /// Each stream ends in the first line in which none has ended yet.
    pub(crate) fn once_in_each_line(kept: Kept) -> Self {
        Self { kept, only: None, last_words: "", ended: Arc::default() }
    }

    /// No stream comes past a line with these words.
    pub(crate) fn always_before(words: &str) -> Self {
        Self { only: Some(words.to_owned()), ..Self::once_in_each_line(Kept::Part(50)) }
    }

    pub(crate) fn with_last_words(self, last_words: &'static str) -> Self {
        Self { last_words, ..self }
    }

    /// The lines in which a stream has ended.
    pub(crate) fn lines(&self) -> Vec<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    fn is_here(&self, line: &[u8]) -> bool {
        let is_one = self.only.as_ref().is_none_or(|words| String::from_utf8_lossy(line).contains(words));
        is_one
            && (self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_vec()) || self.only.is_some())
    }

    /// What is sent of a line in which the stream ends.
    fn sent<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match self.kept {
            Kept::Part(hundredths) => {
                // With the time in front of it, as long as there is one.
                let begin = text.iter().position(|&byte| byte == b'{').unwrap_or(0);
                &text[..begin + (text.len() - begin) * hundredths / 100]
            }
            Kept::Text => text,
            Kept::Line => line,
        }
    }

    /// What goes out of these lines, and whether that is the end.
    fn clip(&self, lines: &[u8]) -> (Bytes, bool) {
        let mut sent = Vec::new();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            if self.is_here(line) {
                sent.extend_from_slice(self.sent(line));
                sent.extend_from_slice(self.last_words.as_bytes());
                return (sent.into(), true);
            }
            sent.extend_from_slice(line);
        }
        (sent.into(), false)
    }

    /// The body of an answer, as far as it goes. A log comes in chunks of whole lines.
    pub(super) fn of(self, body: Body) -> Body {
        let frames = unfold(Some((BodyStream::new(body), self)), |state| async move {
            let (mut body, end) = state?;
            let frame = body.next().await?;
            let (sent, is_end) = frame.as_ref().ok().and_then(Frame::data_ref).map(|data| end.clip(data))?;
            Some((io::Result::Ok(Frame::data(sent)), (!is_end).then_some((body, end))))
        });
        StreamBody::new(frames).boxed_unsync()
    }
}
