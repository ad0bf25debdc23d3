//! A spinner for a person at a terminal.
use super::{Detail, Event, Report};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{Write, stderr};
use std::sync::Mutex;
use std::time::Duration;

/// A step's line while it runs; what is done stands above it.
#[derive(Default)]
pub(super) struct Bars {
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    fn start(&self, event: &Event<'_>) {
        let style = ProgressStyle::with_template("{spinner:.cyan} {prefix} {wide_msg:.dim} {elapsed:.dim}");
        let bar = ProgressBar::new_spinner()
            .with_style(style.expect("the template is constant"))
            .with_prefix(event.to_string());
        bar.enable_steady_tick(Duration::from_millis(120));
        let mut current = self.current.lock().expect("no panic while the lock is held");
        if let Some(old) = current.replace(bar) {
            old.finish_and_clear();
        }
    }

    fn end(&self) {
        if let Some(bar) = self.current.lock().expect("no panic while the lock is held").take() {
            bar.finish_and_clear();
        }
    }

    /// Above the spinner, if there is one.
    fn line(&self, text: &str) {
        let write = || {
            // A closed stderr must not stop an unwinding.
            let _closed = writeln!(stderr(), "{text}");
        };
        match &*self.current.lock().expect("no panic while the lock is held") {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Report for Bars {
    fn event(&self, event: Event<'_>) {
        match &event {
            Event::StepStarted { .. } => self.start(&event),
            Event::Progress { text } => {
                if let Some(bar) = &*self.current.lock().expect("no panic while the lock is held") {
                    bar.set_message(text.to_string());
                }
            }
            Event::StepDone { title, elapsed } => {
                self.end();
                self.line(&format!("\u{2713} {title} ({:.1} s)", elapsed.as_secs_f64()));
            }
            Event::Failed { .. } => {
                self.end();
                self.line(&event.to_string());
            }
            _ if Detail::Normal.shows(&event) => self.line(&event.to_string()),
            _ => {}
        }
    }
}
