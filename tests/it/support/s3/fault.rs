//! What can become of a request instead of its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use tokio::time::sleep;

use super::answer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Status(u16),
    /// `SlowDown`, and when to come again, in seconds.
    Busy(u64),
    /// The connection ends without an answer.
    Cut,
    /// It ends in the middle of the body.
    CutInside,
    /// All is done, and then the connection ends: nobody hears of it.
    Lost,
    /// Nothing is read and nothing answered, for ever.
    Stall,
    /// The body is read at so many bytes a second.
    Slow(usize),
    /// All is read, and nothing done until the server is healed.
    Held,
    /// All is read, and done and answered after so many milliseconds.
    Late(u64),
}

impl Fault {
    /// What happens before the body is there.
    pub(super) async fn before(self, body: &mut Incoming) -> std::io::Result<()> {
        match self {
            Self::CutInside => {
                drop(body.frame().await);
                Err(std::io::Error::other("cut inside"))
            }
            Self::Stall => std::future::pending().await,
            _ => Ok(()),
        }
    }

    /// What happens when the body is there.
    pub(super) async fn after(self) {
        if let Self::Late(milliseconds) = self {
            sleep(Duration::from_millis(milliseconds)).await;
        }
    }

    /// The answer that is no real one.
    pub(super) fn instead(self) -> Option<Response<Full<Bytes>>> {
        match self {
            Self::Status(code) => Some(answer::error(code, "Told", "to fail")),
            Self::Busy(seconds) => {
                let mut answer = answer::error(503, "SlowDown", "Please reduce your request rate.");
                answer.headers_mut().insert("retry-after", seconds.into());
                Some(answer)
            }
            _ => None,
        }
    }
}

/// The body, at so many bytes a second.
pub(super) async fn slowly(mut body: Incoming, rate: usize) -> std::io::Result<Bytes> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(std::io::Error::other)?.into_data() {
            let share = data.len() as f64 / rate as f64;
            sleep(Duration::from_secs_f64(share)).await;
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}
