//! Patience with an API server that is away for a moment, or busy: a request is made again.
//!
//! Safe for every request of this tool: reads change nothing; patches set what they set; a name that is created carries the
//! run's id, so "exists already" means that the answer to the first attempt was lost, as "not found" does for a deletion; the
//! Lease is compared and swapped; a command in a container is only read from, or reads all that it does from its own stdin.
use http::header::{RETRY_AFTER, UPGRADE};
use http::{Request, Response, StatusCode};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tower::BoxError;
use tower::buffer::BufferLayer;
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;

/// From a request's first failure to the start of its last attempt. Well below [`super::CALL_LIMIT`].
const PATIENCE: Duration = Duration::from_secs(15);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Requests that wait for a free connection; more than the tool ever has at once.
const QUEUE: usize = 64;

/// A client whose attempts are given up after `limit` without the head of an answer, and made again.
///
/// # Errors
/// The kubeconfig's certificates or credentials cannot be used.
pub(super) fn client(mut config: Config, limit: Duration) -> kube::Result<Client> {
    // Its own waits up to 1000 s, and not at all when a connection is reset.
    config.default_retry = false;
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&BufferLayer::<Request<Body>>::new(QUEUE))
        .with_layer(&TimeoutLayer::new(limit))
        .with_layer(&RetryLayer::new(Patience::default()))
        .build())
}

/// One request's; clones of it begin anew, but know of the same server.
#[derive(Clone, Debug, Default)]
struct Patience {
    /// Where nobody has ever answered and no connection comes about, the address is wrong: nobody wants to wait for that.
    answered: Arc<AtomicBool>,
    failing_since: Option<Instant>,
    delay: Duration,
}

impl Patience {
    /// `None` when it would come too late.
    fn wait(&mut self, asked_for: Option<Duration>) -> Option<Sleep> {
        self.delay = (self.delay * 2).clamp(FIRST_DELAY, LONGEST_DELAY);
        let delay = self.delay.max(asked_for.unwrap_or_default());
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        (since.elapsed() + delay < PATIENCE).then(|| sleep(delay))
    }
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Patience {
    type Future = Sleep;

    fn retry(&mut self, asked: &mut Request<Body>, result: &mut Result<Response<B>, BoxError>) -> Option<Sleep> {
        match result {
            Ok(response) => {
                self.answered.store(true, Ordering::Relaxed);
                let passing = is_passing(asked, response.status());
                passing.then(|| self.wait(retry_after(response))).flatten()
            }
            // Credentials that cannot be made (an exec plugin that fails), not a connection.
            Err(error) if error.is::<kube::Error>() => None,
            Err(error) => {
                tracing::debug!("{} {}: {error}", asked.method(), asked.uri().path());
                let somebody_is_there = error.is::<Elapsed>() || self.answered.load(Ordering::Relaxed);
                somebody_is_there.then(|| self.wait(None)).flatten()
            }
        }
    }

    fn clone_request(&mut self, asked: &Request<Body>) -> Option<Request<Body>> {
        let mut again = Request::new(asked.body().try_clone()?);
        again.method_mut().clone_from(asked.method());
        again.uri_mut().clone_from(asked.uri());
        again.headers_mut().clone_from(asked.headers());
        again.extensions_mut().clone_from(asked.extensions());
        Some(again)
    }
}

fn is_passing(asked: &Request<Body>, status: StatusCode) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            // The kubelet's word for a container that is not there.
            !asked.headers().contains_key(UPGRADE)
        }
        _ => false,
    }
}

/// In seconds; the other form, a date, is no API server's.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
