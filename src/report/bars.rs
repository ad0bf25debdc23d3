//! One line that moves, for a person at a terminal; what is done stands above it.
use super::live::Live;
use super::paint::Paint;
use super::screen::Screen;
use super::wrap;
use super::{Detail, Event, Report};
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use std::io::{Write, stderr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);

pub(super) struct Bars {
    paint: Paint,
    current: Mutex<Option<Current>>,
}

/// The line, and what stands in it: the line is drawn again by a thread of its own.
struct Current {
    bar: ProgressBar,
    live: Arc<Mutex<Live>>,
}

impl Bars {
    pub(super) fn new(paint: Paint) -> Self {
        Self { paint, current: Mutex::new(None) }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().expect("no panic while the lock is held")
    }

    fn start(&self, live: Live) {
        self.end();
        let live = Arc::new(Mutex::new(live));
        let (shown, paint) = (Arc::clone(&live), self.paint);
        let draw = move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
            let width = usize::from(Screen(Term::stderr()).width());
            let drawn = shown.lock().expect("no panic while the lock is held").line(width, paint);
            line.write_str(&drawn).expect("it is in memory");
        };
        let style = ProgressStyle::with_template("{line}").expect("the template is constant").with_key("line", draw);
        let screen = ProgressDrawTarget::term_like(Box::new(Screen(Term::stderr())));
        let bar = ProgressBar::with_draw_target(None, screen).with_style(style);
        bar.enable_steady_tick(TICK);
        *self.current() = Some(Current { bar, live });
    }

    /// Takes the moving line away, and gives what was in it.
    fn end(&self) -> Option<Live> {
        let Current { bar, live } = self.current().take()?;
        bar.finish_and_clear();
        Some(live.lock().expect("no panic while the lock is held").clone())
    }

    fn hear(&self, event: &Event<'_>) {
        if let Some(current) = &*self.current() {
            current.live.lock().expect("no panic while the lock is held").hear(event);
        }
    }

    /// Above the moving line, if there is one.
    fn line(&self, text: &str) {
        let text = wrap::sentences(text, usize::from(Screen(Term::stderr()).width()));
        let write = || {
            // A closed stderr must not stop an unwinding.
            let _closed = writeln!(stderr(), "{text}");
        };
        match &*self.current() {
            Some(current) => current.bar.suspend(write),
            None => write(),
        }
    }

    /// Under what was done: this is where it ended.
    fn broken(&self) {
        if let Some(live) = self.end() {
            let title = format!("{} {} ({:.1} s)", self.paint.failed(), live.title, live.elapsed().as_secs_f64());
            self.line(&title);
        }
    }
}

impl Report for Bars {
    fn event(&self, event: Event<'_>) {
        match &event {
            Event::StepStarted { .. } => self.start(Live::begun(&event).expect("a step begins")),
            Event::PuttingBack => {
                self.broken();
                self.start(Live::begun(&event).expect("something begins"));
            }
            Event::Progress { .. } | Event::Moved { .. } => self.hear(&event),
            Event::StepDone { title, elapsed } => {
                self.end();
                let took = self.paint.dim(&format!("({:.1} s)", elapsed.as_secs_f64()));
                self.line(&format!("{} {title} {took}", self.paint.done()));
            }
            Event::PutBack => drop(self.end()),
            Event::Failed { .. } => {
                self.broken();
                self.line(&self.paint.event(&event));
            }
            _ if Detail::Normal.shows(&event) => self.line(&self.paint.event(&event)),
            _ => {}
        }
    }
}
