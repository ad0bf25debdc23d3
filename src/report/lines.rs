//! Plain lines for CI logs and pipes: one an event, and one every few seconds while something takes its time.
use super::live::Live;
use super::paint::Paint;
use super::{Detail, Event, Report};
use std::io::{Write, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After so long without a line, one says that and how it goes on.
const QUIET: Duration = Duration::from_secs(5);

pub(super) struct Lines {
    detail: Detail,
    paint: Paint,
    /// Steps are told with -v only.
    looks: bool,
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    last: Option<Instant>,
    /// The last progress that was told in words; what follows too soon waits for the next line of its own accord.
    told: Option<Instant>,
    over: bool,
}

impl Lines {
    pub(super) fn new(detail: Detail, paint: Paint, looks: bool) -> Self {
        let shared = Arc::new(Shared::default());
        let ticking = Arc::clone(&shared);
        // Without it the log is only quieter.
        let ticker = (detail != Detail::Quiet).then(|| std::thread::Builder::new().spawn(move || ticking.tick()).ok());
        Self { detail, paint, looks, shared, ticker: ticker.flatten() }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    fn tick(&self) {
        let mut state = self.state();
        while !state.over {
            let due = state.last.map_or(QUIET, |last| QUIET.saturating_sub(last.elapsed()));
            if let (true, Some(live)) = (due.is_zero(), &state.live) {
                write(&format!("      {}", live.status()));
                state.last = Some(Instant::now());
                continue;
            }
            let wait = if due.is_zero() { QUIET } else { due };
            state = self.over.wait_timeout(state, wait).expect("no panic while the lock is held").0;
        }
    }
}

impl Report for Lines {
    fn event(&self, event: Event<'_>) {
        let mut state = self.shared.state();
        let step = matches!(event, Event::StepStarted { .. } | Event::StepDone { .. });
        let mut shown = self.detail.shows(&event) && !(step && self.looks && self.detail < Detail::Verbose);
        match &event {
            Event::StepStarted { .. } | Event::PuttingBack => {
                state.live = Live::begun(&event);
                state.told = None;
            }
            Event::StepDone { .. } | Event::PutBack | Event::Failed { .. } => state.live = None,
            Event::Progress { .. } | Event::Moved { .. } => {
                let new = state.live.as_mut().is_none_or(|live| live.hear(&event));
                let soon = state.told.is_some_and(|told| told.elapsed() < QUIET);
                shown = shown && new && !soon && matches!(event, Event::Progress { .. });
                state.told = if shown { Some(Instant::now()) } else { state.told };
            }
            _ => {}
        }
        if shown {
            write(&self.paint.event(&event));
            state.last = Some(Instant::now());
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.over.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // Its panic is no reason for another one.
            drop(ticker.join());
        }
    }
}

fn write(line: &str) {
    // A closed stderr must not stop an unwinding.
    let _closed = writeln!(stderr(), "{line}");
}
