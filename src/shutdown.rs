//! SIGINT, SIGTERM and SIGHUP as something to await.
use anyhow::{Context, Result};
use futures::stream::{BoxStream, pending, select, unfold};
use futures::{Stream, StreamExt};
use std::fmt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Somebody asked the run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    Sigint,
    Sigterm,
    /// The terminal was closed.
    Sighup,
}

impl Interrupted {
    /// 128 + the signal's number, as a shell would report it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Sigint => 130,
            Self::Sigterm => 143,
            Self::Sighup => 129,
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sigint => "interrupted (SIGINT)",
            Self::Sigterm => "terminated (SIGTERM)",
            Self::Sighup => "its terminal was closed (SIGHUP)",
        })
    }
}

impl std::error::Error for Interrupted {}

/// Listens from the moment it is made; a signal that came while nobody awaited is not lost.
pub struct Shutdown {
    requests: BoxStream<'static, Interrupted>,
}

impl Shutdown {
    /// # Errors
    /// The process cannot register signal handlers.
    pub fn listen() -> Result<Self> {
        let interrupts = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        let terminations = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let asked = select(each(interrupts, Interrupted::Sigint), each(terminations, Interrupted::Sigterm));
        if ignores_hangups() {
            return Ok(Self::on(asked));
        }
        let hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
        Ok(Self::on(select(asked, each(hangups, Interrupted::Sighup))))
    }

    /// Requests that come from elsewhere than from the process's signals; their end is none.
    pub fn on(requests: impl Stream<Item = Interrupted> + Send + 'static) -> Self {
        Self { requests: requests.chain(pending()).boxed() }
    }

    /// The next request.
    pub async fn requested(&mut self) -> Interrupted {
        self.requests.next().await.expect("it goes on for ever")
    }
}

fn each(signal: Signal, request: Interrupted) -> impl Stream<Item = Interrupted> {
    unfold(signal, move |mut signal| async move { signal.recv().await.map(|()| (request, signal)) })
}

/// Started by `nohup`, it is to outlive its terminal. Where the system does not say so (only Linux does), it ends and puts back.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0
}
