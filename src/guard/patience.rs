//! How long it is worth trying again to put something back.
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::lease::LeaseLost;
use anyhow::Error;
use std::time::Duration;
use tokio::time::Instant;

/// An API server that restarts is back within this; a CI runner kills later than this.
const UNDO_LIMIT: Duration = Duration::from_secs(60);
/// An API server that has just started knows its Roles within this; until then it forbids all (seen on 1.20).
const FORBIDDEN_LIMIT: Duration = Duration::from_secs(15);

/// One undo's.
pub(super) struct Patience {
    started: Instant,
    /// Since when nothing else was answered: the time for which there was no answer does not count.
    forbidden_since: Option<Instant>,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), forbidden_since: None }
    }

    /// Whether the trouble may pass, and there is time left for it.
    pub(super) fn allows_for(&mut self, error: &Error) -> bool {
        let forbidden = self.forbidden_since.take();
        match refusal(error) {
            _ if error.is::<LeaseLost>() => false,
            Some(Refusal::Passing | Refusal::Conflict) | None => self.started.elapsed() < UNDO_LIMIT,
            Some(Refusal::Forbidden) => {
                self.forbidden_since.insert(forbidden.unwrap_or_else(Instant::now)).elapsed() < FORBIDDEN_LIMIT
            }
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::failure::CallFailed;
    use anyhow::anyhow;
    use tokio::time::advance;

    fn failed(refusal: Refusal) -> Error {
        anyhow!(CallFailed::new(refusal, "cannot".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_late_and_forbids_all_at_first_is_waited_for() {
        let mut patience = Patience::new();
        for _ in 0..50 {
            assert!(patience.allows_for(&failed(Refusal::Passing)));
            advance(Duration::from_secs(1)).await;
        }
        for _ in 0..15 {
            assert!(patience.allows_for(&failed(Refusal::Forbidden)));
            advance(Duration::from_secs(1)).await;
        }
        assert!(!patience.allows_for(&failed(Refusal::Forbidden)), "a right that was taken away does not come back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stays_away_is_given_up_after_a_minute_and_a_final_word_at_once() {
        let mut patience = Patience::new();
        assert!(!patience.allows_for(&failed(Refusal::Final)));
        advance(Duration::from_secs(59)).await;
        assert!(patience.allows_for(&failed(Refusal::Passing)));
        advance(Duration::from_secs(1)).await;
        assert!(!patience.allows_for(&failed(Refusal::Passing)));
    }
}
