//! SIGINT and SIGTERM as something to await.
use anyhow::{Context, Result};
use std::fmt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Somebody asked the run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    Sigint,
    Sigterm,
}

impl Interrupted {
    /// 128 + the signal's number, as a shell would report it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Sigint => 130,
            Self::Sigterm => 143,
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sigint => "interrupted (SIGINT)",
            Self::Sigterm => "terminated (SIGTERM)",
        })
    }
}

impl std::error::Error for Interrupted {}

/// Listens from the moment it is made; a signal that came while nobody awaited is not lost.
#[derive(Debug)]
pub struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
}

impl Shutdown {
    /// # Errors
    /// The process cannot register signal handlers.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        })
    }

    /// The next signal.
    pub async fn requested(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted::Sigint,
            _ = self.terminate.recv() => Interrupted::Sigterm,
        }
    }
}
