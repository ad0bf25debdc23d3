//! What goes wrong on request: a list of rules, each for some requests, each a number of times.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::super::store::Status;
use super::early_end::EarlyEnd;
use super::record::Seen;

/// Longer than any run in the lab takes.
const LONG: Duration = Duration::from_secs(120);

/// What happens to a request that a rule is for.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answered so, and nothing done.
    Answer(Status),
    /// 429 or 503 with `Retry-After`, and nothing done.
    RetryAfter {
        code: u16,
        seconds: u32,
    },
    /// The connection is reset before anything is done.
    ResetBefore,
    /// The request is carried out, and then the connection is reset without an answer.
    ResetAfter,
    /// Nothing is done until the gate opens.
    Hang(Gate),
    /// The request is carried out, and the answer waits for the gate.
    HangAfter(Gate),
    /// No answer ever comes. The request is carried out when the gate opens, whatever has become of its client by then.
    Later(Gate),
    Delay(Duration),
    /// The connection is reset when so many bytes of the answer (or stream) have gone out.
    CutAfterSent(u64),
    /// The connection is reset when so many more bytes have come in: an upload by exec cut short.
    CutAfterReceived(u64),
    /// The request is begun, then nothing moves on the connection any more.
    Stall,
    /// The answer's stream ends before its end, and as if that was it.
    End(EarlyEnd),
}

impl Fault {
    /// A refusal with the code's usual reason.
    pub(crate) fn code(code: u16) -> Self {
        let (reason, message) = match code {
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden: injected by a test"),
            404 => ("NotFound", "the server could not find the requested resource"),
            409 => ("Conflict", "Operation cannot be fulfilled: injected by a test"),
            422 => ("Invalid", "invalid: injected by a test"),
            429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "request did not complete within the requested timeout"),
            _ => ("InternalError", "Internal error occurred: injected by a test"),
        };
        Self::Answer(Status::new(code, reason, message))
    }
}

type Matches = Box<dyn Fn(&Seen) -> bool + Send + Sync>;

/// For which requests, and which of those, a fault is.
pub(crate) struct Rule {
    matches: Matches,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({:?} after {}, {} times)", self.fault, self.skip, self.times)
    }
}

impl Rule {
    /// The first request that matches, once, unless said otherwise.
    pub(crate) fn on(matches: impl Fn(&Seen) -> bool + Send + Sync + 'static, fault: Fault) -> Self {
        Self { matches: Box::new(matches), skip: 0, times: 1, fault }
    }

    /// By [`Seen::line`]: `Rule::on_line("patch applications erp-sandbox", …)`.
    pub(crate) fn on_line(line: &str, fault: Fault) -> Self {
        let line = line.to_owned();
        Self::on(move |seen| seen.line() == line, fault)
    }

    /// The n-th write, from 0.
    pub(crate) fn on_write(number: usize, fault: Fault) -> Self {
        Self::on(Seen::is_write, fault).after(number)
    }

    /// Lets so many that match pass first.
    pub(crate) fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    pub(crate) fn for_ever(self) -> Self {
        self.times(usize::MAX)
    }
}

/// The rules in force; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Has every rule with a limited number of times been used up? A test whose fault never
    /// happened has tested nothing.
    pub(crate) fn are_spent(&self) -> bool {
        self.lock().iter().all(|rule| rule.times == 0 || rule.times == usize::MAX)
    }

    /// The first rule that is for this request and neither skips it nor is used up.
    pub(super) fn decide(&self, seen: &Seen) -> Option<Fault> {
        for rule in self.lock().iter_mut().filter(|rule| rule.times > 0) {
            if !(rule.matches)(seen) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.times != usize::MAX {
                rule.times -= 1;
            }
            return Some(rule.fault.clone());
        }
        None
    }
}

/// A place where requests wait, which tells the test that one has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
    /// A request that was carried out later, as [`Seen::line`], and the code it was answered with.
    answer: watch::Sender<Option<(String, u16)>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { arrived: watch::Sender::new(0), open: watch::Sender::new(false), answer: watch::Sender::new(None) }
    }

    /// Until a request stands at the gate. One that never comes fails the test.
    pub(crate) async fn reached(&self) {
        let mut arrived = self.arrived.subscribe();
        let arrived = tokio::time::timeout(LONG, arrived.wait_for(|count| *count > 0)).await;
        // The sender lives in `self`, so waiting cannot fail otherwise.
        assert!(arrived.is_ok(), "no request came to the gate within {LONG:?}");
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Opens it, and waits until the request that stands there has been carried out: which one, and the code of its answer.
    pub(crate) async fn carried_out(&self) -> (String, u16) {
        self.open();
        let mut answer = self.answer.subscribe();
        let answer = tokio::time::timeout(LONG, answer.wait_for(Option::is_some)).await;
        answer.ok().and_then(|answer| answer.expect("the sender lives").clone()).expect("it is carried out")
    }

    pub(super) fn answered(&self, line: String, code: u16) {
        self.answer.send_replace(Some((line, code)));
    }

    pub(crate) async fn pass(&self) {
        self.arrived.send_modify(|count| *count += 1);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}
