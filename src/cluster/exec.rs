//! Commands in containers, over the exec WebSocket, or SPDY where much goes in.
//!
//! With frames of our own: `AttachedProcess` cuts stdin into 4 KiB messages, shows a cut socket as a clean end, and hangs when
//! stderr is not drained. Here a command has ended only when the server has sent its status, and stderr is read with stdout.
//! Works with `v5.channel.k8s.io` and `v4.channel.k8s.io` alike: what is sent must say itself where it ends, as v4 cannot close stdin.
mod spdy;
mod websocket;
mod wire;

use crate::cluster::failure::explain;
use crate::cluster::{CALL_LIMIT, Cluster};
use anyhow::{Context, Result, anyhow};
use kube::Client;
use kube::api::{AttachParams, Request};
use std::fmt;
pub(super) use wire::PING;
pub use wire::{Heard, Input, Output};

/// A container of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRef {
    pub namespace: String,
    pub pod: String,
    /// None: its only one.
    pub container: Option<String>,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pod {}/{}", self.namespace, self.pod)
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Code(i32),
    /// The server could not run it, or lost it.
    Failed(String),
}

/// What a command said that was listened to until its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub stdout: Vec<u8>,
    /// The last of it.
    pub stderr: String,
    pub ended: Ended,
}

impl Said {
    /// The command's stdout, if it succeeded.
    ///
    /// # Errors
    /// It did not: what its exit code means, and its last words.
    pub fn success(self, meaning: impl Fn(i32) -> Option<&'static str>) -> Result<Vec<u8>> {
        match self.ended {
            Ended::Code(0) => Ok(self.stdout),
            ended => Err(anyhow!("{}", failed(&ended, &self.stderr, meaning))),
        }
    }
}

/// "ended with exit code 2: tar: …"
pub fn unsuccessful(ended: &Ended, stderr: &str) -> String {
    failed(ended, stderr, |_| None)
}

/// As [`unsuccessful`], with what the exit code means.
pub fn failed(ended: &Ended, stderr: &str, meaning: impl Fn(i32) -> Option<&'static str>) -> String {
    let how = match ended {
        Ended::Code(code) => meaning(*code).map_or_else(|| format!("ended with exit code {code}"), str::to_owned),
        Ended::Failed(why) => format!("could not be run: {why}"),
    };
    match stderr.trim() {
        "" => how,
        said => format!("{how}: {said}"),
    }
}

impl Cluster {
    /// What a small command in a Pod says, if it succeeds.
    ///
    /// # Errors
    /// It cannot be run, fails, or has not ended in time.
    pub async fn run_in(&self, pod: &PodRef, argv: &[&str]) -> Result<Vec<u8>> {
        let said = tokio::time::timeout(CALL_LIMIT, run(&self.client, pod, argv)).await;
        said.map_err(|_| anyhow!("{pod} did not answer within {} s", CALL_LIMIT.as_secs()))??.success(|_| None)
    }
}

/// Runs a small command without stdin and waits for its end; its output is kept in memory.
///
/// # Errors
/// It cannot be started, or the connection is lost before it has ended. That it failed is no error here.
pub async fn run(client: &Client, pod: &PodRef, argv: &[&str]) -> Result<Said> {
    let (_input, mut output) = open(client, pod, argv, false).await?;
    let mut stdout = Vec::new();
    let ended = loop {
        match output.next().await? {
            Heard::Stdout(bytes) => stdout.extend_from_slice(&bytes),
            Heard::Stderr(_) => {}
            Heard::Ended(ended) => break ended,
        }
    };
    Ok(Said { stdout, stderr: output.last_words(), ended })
}

/// Starts a command. Both halves must be driven until [`Heard::Ended`]; to drop them ends the connection.
///
/// # Errors
/// The server refuses, or cannot be reached.
pub async fn open(client: &Client, pod: &PodRef, argv: &[&str], stdin: bool) -> Result<(Input, Output)> {
    let request = request(pod, argv, stdin)?;
    let what = format!("run a command in {pod}");
    let connecting = tokio::time::timeout(wire::CONNECT_LIMIT, client.connect(request)).await;
    let connection = connecting.map_err(|_| anyhow!("cannot {what}: the API server did not answer"))?;
    let connection = connection.map_err(|error| refused(&what, pod, error))?;
    Ok(websocket::halves(connection.into_stream(), pod.to_string()))
}

/// As [`open`], for commands of which much goes into one's stdin: over SPDY, which costs servers less, if there is a way for it.
///
/// # Errors
/// As [`open`].
pub async fn stream(client: &Client, pod: &PodRef, argv: &[&str], stdin: bool) -> Result<(Input, Output)> {
    let halves = spdy::open(client, request(pod, argv, stdin)?, stdin, pod.to_string());
    match tokio::time::timeout(wire::CONNECT_LIMIT, halves).await {
        Ok(Ok(halves)) => return Ok(halves),
        // Servers will give SPDY up one day, and not every proxy lets it through. What else is wrong the WebSocket tells.
        Ok(Err(error)) => tracing::debug!("no SPDY to {pod}: {error:#}"),
        Err(_) => tracing::debug!("no SPDY to {pod}: no answer within {} s", wire::CONNECT_LIMIT.as_secs()),
    }
    open(client, pod, argv, stdin).await
}

fn request(pod: &PodRef, argv: &[&str], stdin: bool) -> Result<http::Request<Vec<u8>>> {
    let params = AttachParams {
        container: pod.container.clone(),
        ..AttachParams::default().stdin(stdin).stdout(true).stderr(true)
    };
    let request = Request::new(format!("/api/v1/namespaces/{}/pods", pod.namespace));
    request.exec(&pod.pod, argv.iter().copied(), &params).context("cannot build an exec request")
}

/// Exec over WebSocket is a GET to some servers and a creation to all: a Role needs both verbs.
fn refused(what: &str, pod: &PodRef, error: kube::Error) -> anyhow::Error {
    match &error {
        kube::Error::Api(status) if status.code == 403 && status.message.is_empty() => {
            anyhow!("cannot {what}: refused (403) without a reason: the server may not know v5 or v4.channel.k8s.io")
        }
        kube::Error::Api(status) if status.code == 403 => anyhow!(
            "cannot {what}: forbidden; a Role in namespace {} needs the rule {{apiGroups: [\"\"], resources: [\"pods/exec\"], verbs: [\"get\", \"create\"]}}",
            pod.namespace
        ),
        _ => explain(what, error),
    }
}

#[cfg(test)]
mod tests;
