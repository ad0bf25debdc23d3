//! Plain lines for CI logs and pipes.
use super::{Detail, Event, Report};
use std::io::{Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Progress comes many times a second; a log wants one line now and then.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Lines {
    detail: Detail,
    last_progress: Mutex<Instant>,
}

impl Lines {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, last_progress: Mutex::new(Instant::now()) }
    }

    fn is_too_soon(&self, event: &Event<'_>) -> bool {
        let mut last = self.last_progress.lock().expect("no panic while the lock is held");
        match event {
            Event::Progress { .. } if last.elapsed() < PROGRESS_EVERY => true,
            Event::Progress { .. } | Event::StepStarted { .. } => {
                *last = Instant::now();
                false
            }
            _ => false,
        }
    }
}

impl Report for Lines {
    fn event(&self, event: Event<'_>) {
        if self.detail.shows(&event) && !self.is_too_soon(&event) {
            // A closed stderr must not stop an unwinding.
            let _closed = writeln!(stderr(), "{event}");
        }
    }
}
