//! Content out of a container, as a command writes it: to its proven end, in memory no more than a message.
use super::Cluster;
use super::exec::{self, Ended, Heard, Input, Output, PodRef};
use crate::documents::complaints::Complaints;
use anyhow::Result;
use bytes::Bytes;

/// A command whose output is taken as it comes. To drop it ends the connection.
pub struct Reading {
    input: Input,
    output: Output,
    complaints: Complaints,
}

/// What a command gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Given {
    Bytes(Bytes),
    /// It has ended so, with these last words.
    Ended(Ended, String),
}

impl Cluster {
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub async fn read_from(&self, pod: &PodRef, argv: &[&str]) -> Result<Reading> {
        // Not over SPDY: what costs a server so much is what comes to it, and here nearly nothing does.
        let (input, output) = exec::open(&self.client, pod, argv, false).await?;
        Ok(Reading::over(input, output))
    }
}

impl Reading {
    pub(super) fn over(input: Input, output: Output) -> Self {
        Self { input, output, complaints: Complaints::default() }
    }

    /// Does this while the command waits to be read, however long that is: a connection on which nothing moves is cut by some balancers.
    ///
    /// # Errors
    /// Those of the work; the connection is lost meanwhile.
    pub async fn beside<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            done = work => done,
            lost = self.input.keep_alive() => lost,
        }
    }

    /// What it said on stderr, once it has ended.
    pub fn complaints(mut self) -> Complaints {
        self.complaints.settle();
        self.complaints
    }

    /// # Errors
    /// The connection is lost before the command has ended: what came so far is not all.
    pub async fn next(&mut self) -> Result<Given> {
        loop {
            let heard = tokio::select! {
                heard = self.output.next() => heard?,
                lost = self.input.keep_alive() => lost?,
            };
            match heard {
                Heard::Stdout(bytes) => return Ok(Given::Bytes(bytes)),
                Heard::Stderr(bytes) => self.complaints.feed(&bytes),
                Heard::Ended(ended) => return Ok(Given::Ended(ended, self.output.last_words())),
            }
        }
    }
}
