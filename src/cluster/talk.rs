//! A script in a running container that is talked with: lines of its output come, words go to its input.
//!
//! To drop a conversation ends its connection; the script reads the end of its input, which means abort. While nobody speaks or listens
//! the connection is kept alive: a reset that stops the sandbox first leaves a script waiting for minutes.
use super::exec::{self, Ended, Heard, Input, Output, PING, PodRef, Said};
use super::{CALL_LIMIT, Cluster};
use crate::documents::frames::{Framer, message};
use anyhow::{Result, anyhow};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The sums of a large volume's files take minutes; a script that is listened to for so long hangs, as on a disk that is gone.
const TELL_LIMIT: Duration = Duration::from_secs(3600);

/// What a conversation gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Spoken {
    Line(String),
    /// Every line has been given.
    Ended(Ended),
}

/// One script, from its start to its end.
pub struct Talk {
    input: Arc<Mutex<Input>>,
    output: Output,
    /// One task, which ends with the conversation.
    _pings: JoinSet<()>,
    lines: VecDeque<String>,
    partial: Vec<u8>,
    ended: Option<Ended>,
}

impl Cluster {
    /// Starts a script.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub async fn talk(&self, pod: &PodRef, argv: &[&str]) -> Result<Talk> {
        let (input, output) = exec::open(&self.client, pod, argv, true).await?;
        Ok(Talk::over(input, output))
    }

    /// Starts a script, gives it `input`, and listens to its end.
    ///
    /// # Errors
    /// The server refuses, the connection is lost, or it has not ended in an hour. That it failed is no error here.
    pub async fn tell(&self, pod: &PodRef, argv: &[&str], input: Vec<Vec<u8>>) -> Result<Said> {
        self.talk(pod, argv).await?.tell(pod, input).await
    }
}

impl Talk {
    pub(super) fn over(input: Input, output: Output) -> Self {
        let input = Arc::new(Mutex::new(input));
        let mut pings = JoinSet::new();
        let pinged = Arc::clone(&input);
        pings.spawn(async move {
            loop {
                sleep(PING).await;
                // Whoever listens next is told that it is lost.
                if pinged.lock().await.ping().await.is_err() {
                    return;
                }
            }
        });
        Self { input, output, _pings: pings, lines: VecDeque::new(), partial: Vec::new(), ended: None }
    }

    /// Gives the script `input` and listens to its end.
    pub(super) async fn tell(&mut self, pod: &PodRef, input: Vec<Vec<u8>>) -> Result<Said> {
        let told = timeout(TELL_LIMIT, self.until_it_ends(input)).await;
        told.map_err(|_| anyhow!("a script in {pod} has not ended within {} minutes", TELL_LIMIT.as_secs() / 60))?
    }

    async fn until_it_ends(&mut self, frames: Vec<Vec<u8>>) -> Result<Said> {
        let input = Arc::clone(&self.input);
        let mut sending = pin!(async move { input.lock().await.send(frames).await });
        let (mut said, mut stdout) = (None, Vec::new());
        loop {
            let heard = tokio::select! {
                sent = &mut sending, if said.is_none() => {
                    said = Some(sent);
                    continue;
                }
                heard = self.output.next() => heard,
            };
            match heard {
                Ok(Heard::Stdout(bytes)) => stdout.extend_from_slice(&bytes),
                Ok(Heard::Stderr(_)) => {}
                Ok(Heard::Ended(ended)) => return Ok(Said { stdout, stderr: self.output.last_words(), ended }),
                // What could not be told explains why nothing came back.
                Err(error) => return Err(said.and_then(Result::err).unwrap_or(error)),
            }
        }
    }

    /// The next line, or the end.
    ///
    /// # Errors
    /// The connection is lost before the script has ended.
    pub async fn next(&mut self) -> Result<Spoken> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Spoken::Line(line));
            }
            if let Some(ended) = &self.ended {
                return Ok(Spoken::Ended(ended.clone()));
            }
            match self.output.next().await? {
                Heard::Stdout(bytes) => self.take(&bytes),
                Heard::Stderr(_) => {}
                Heard::Ended(ended) => {
                    let rest = std::mem::take(&mut self.partial);
                    self.lines.extend((!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned()));
                    self.ended = Some(ended);
                }
            }
        }
    }

    /// Of a line that comes in many pieces no byte is looked at twice: a row of a table may be a hundred megabytes.
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if let Some(line) = self.partial.strip_suffix(b"\n") {
                self.lines.push_back(String::from_utf8_lossy(line).into_owned());
                self.partial.clear();
            }
        }
    }

    /// Says a word, as a line.
    ///
    /// # Errors
    /// The connection is lost; also when the script has ended meanwhile, which its output tells better.
    pub async fn say(&mut self, word: &str) -> Result<()> {
        let frames = vec![message(format!("{word}\n").as_bytes())];
        let said = timeout(CALL_LIMIT, async { self.input.lock().await.send(frames).await }).await;
        said.map_err(|_| anyhow!("the script did not take the word {word:?}"))?
    }

    /// Gives it bytes of its input; what it says meanwhile is kept for [`Talk::next`].
    ///
    /// # Errors
    /// The connection is lost, or the script has ended and takes no more.
    pub async fn give(&mut self, frames: Vec<Vec<u8>>) -> Result<()> {
        let mut said = Vec::new();
        let given = {
            let mut giving = pin!(async { self.input.lock().await.send(frames).await });
            loop {
                tokio::select! {
                    given = &mut giving => break given,
                    heard = self.output.next() => match heard? {
                        Heard::Stdout(bytes) => said.extend_from_slice(&bytes),
                        Heard::Stderr(_) => {}
                        Heard::Ended(ended) => {
                            let how = exec::unsuccessful(&ended, &self.output.last_words());
                            break Err(anyhow!("the script {how} and takes no more"));
                        }
                    },
                }
            }
        };
        self.take(&said);
        given
    }

    /// The end of what it wrote to stderr.
    pub fn last_words(&self) -> String {
        self.output.last_words()
    }
}

/// Paths for a script that reads them NUL-separated in frames: a line `SIZE COUNT`, so many bytes, …, `end`.
pub fn framed(paths: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut framer = Framer::default();
    let mut chunks = Vec::new();
    for path in paths {
        chunks.extend(framer.push(path));
        chunks.extend(framer.push(b"\0"));
    }
    chunks.extend(framer.end());
    chunks.concat()
}
