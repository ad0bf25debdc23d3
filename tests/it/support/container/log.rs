//! What a container wrote, line by line with the time of each, for readers that may follow it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

/// One line as it was written: with its newline, but for a last one that has none.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) text: Bytes,
}

/// The output of one run of a container; clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Inner>);

struct Inner {
    lines: Mutex<Vec<Line>>,
    /// Lines of the files before the one that is written now; nobody is given them who asks from now on.
    rotated: AtomicUsize,
    /// Lines so far, and whether there can be more.
    progress: watch::Sender<(usize, bool)>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            lines: Mutex::default(),
            rotated: AtomicUsize::new(0),
            progress: watch::Sender::new((0, true)),
        }))
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until every writer has closed its end.
    pub(crate) async fn fill(&self, from: impl AsyncRead + Unpin) {
        let mut from = BufReader::with_capacity(64 * 1024, from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line).await, Ok(1..)) {
            self.push(std::mem::take(&mut line));
        }
        self.0.progress.send_modify(|progress| progress.1 = false);
    }

    fn push(&self, text: Vec<u8>) {
        let mut lines = self.lines();
        lines.push(Line { at: Timestamp::now(), text: text.into() });
        let count = lines.len();
        drop(lines);
        self.0.progress.send_modify(|progress| progress.0 = count);
    }

    /// Everything up to now.
    pub(crate) fn so_far(&self) -> Vec<Line> {
        self.lines().clone()
    }

    /// Begins a new file, as a node does when it has grown.
    pub(crate) fn rotate(&self) {
        self.0.rotated.store(self.lines().len(), Ordering::SeqCst);
    }

    /// How many lines lie in files before the one that is written now.
    pub(crate) fn rotated(&self) -> usize {
        self.0.rotated.load(Ordering::SeqCst)
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.so_far();
        let all: Vec<u8> = lines.iter().flat_map(|line| line.text.to_vec()).collect();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// What the kubelet makes the termination message of: 80 lines or 2048 bytes, the shorter.
    pub(crate) fn tail(&self) -> String {
        let lines = self.so_far();
        let last = &lines[lines.len().saturating_sub(80)..];
        let text: Vec<u8> = last.iter().flat_map(|line| line.text.to_vec()).collect();
        let text = &text[text.len().saturating_sub(2048)..];
        String::from_utf8_lossy(text).into_owned()
    }

    /// The lines after the first `seen`, waiting for one; `None` when there will be none.
    pub(crate) async fn after(&self, seen: usize) -> Option<Vec<Line>> {
        let mut progress = self.0.progress.subscribe();
        let more = progress.wait_for(|(count, open)| *count > seen || !open);
        more.await.ok()?;
        let lines = self.lines();
        (lines.len() > seen).then(|| lines[seen..].to_vec())
    }
}
