//! Trouble at each single request of a `refresh`.

use super::arena::{Arena, finish};
use super::case::{Case, Played};
use crate::support::api::{Fault, Gate, Rule};
use crate::support::sandbox::{Ran, SANDBOX};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Answer(u16),
    Busy,
    ResetBefore,
    ResetAfter,
    /// No answer ever comes.
    Hang,
    Signal(&'static str, When),
    /// Killed, then this command.
    Killed(When, &'static str),
}

/// Whether the server had carried out the request by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

pub(super) const TROUBLES: [Trouble; 14] = [
    Trouble::Answer(500),
    Trouble::Answer(409),
    Trouble::Busy,
    Trouble::ResetBefore,
    Trouble::ResetAfter,
    Trouble::Hang,
    Trouble::Signal("INT", When::Before),
    Trouble::Signal("INT", When::After),
    Trouble::Signal("TERM", When::Before),
    Trouble::Signal("TERM", When::After),
    Trouble::Killed(When::Before, "recover"),
    Trouble::Killed(When::After, "recover"),
    Trouble::Killed(When::Before, "refresh"),
    Trouble::Killed(When::After, "refresh"),
];

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(code) => write!(f, "answered {code}"),
            Self::Busy => f.write_str("answered 429, Retry-After"),
            Self::ResetBefore => f.write_str("connection reset, nothing done"),
            Self::ResetAfter => f.write_str("connection reset, done"),
            Self::Hang => f.write_str("no answer ever"),
            Self::Signal(name, when) => write!(f, "SIG{name}, request {}", when.words()),
            Self::Killed(when, next) => write!(f, "SIGKILL, request {}, then {next}", when.words()),
        }
    }
}

impl When {
    fn words(self) -> &'static str {
        match self {
            Self::Before => "not done",
            Self::After => "done",
        }
    }

    fn at(self, gate: &Gate) -> Fault {
        match self {
            Self::Before => Fault::Hang(gate.clone()),
            Self::After => Fault::HangAfter(gate.clone()),
        }
    }
}

/// Every trouble at every request that a run makes when it is let through.
pub(super) async fn cases() -> Vec<Case> {
    let mut arena = Arena::new().await;
    let ran = arena.run(&["refresh"]).await.expect("it ends");
    let lines: Vec<String> = arena.lab.api.record.all().iter().map(|seen| seen.line()).collect();
    arena.judge(&ran, false).await.expect("without any trouble all is well");
    assert!(lines.len() > 30, "only {} requests were seen", lines.len());
    let at = |trouble| {
        let numbered = lines.iter().cloned().enumerate();
        numbered.map(move |(number, line)| Case::Request { number, line, trouble })
    };
    TROUBLES.into_iter().flat_map(at).collect()
}

pub(super) async fn play(arena: &mut Arena, number: usize, trouble: &Trouble) -> Result<Played, String> {
    let gate = Gate::new();
    arena.lab.api.faults.add(Rule::on(|_| true, trouble.fault(&gate)).after(number));
    let ran = trouble.run(arena, &gate).await;
    let reached = arena.lab.api.faults.are_spent();
    gate.open();
    let ran = ran?;
    if !trouble.may_end_with().contains(&ran.code) || !reached && ran.code != 0 {
        return Err(format!("exit code {}:\n{}", ran.code, ran.stderr));
    }
    let end = arena.judge(&ran, matches!(trouble, Trouble::Killed(_, "recover"))).await?;
    Ok(Played { end, reached })
}

impl Trouble {
    fn fault(self, gate: &Gate) -> Fault {
        match self {
            Self::Answer(code) => Fault::code(code),
            Self::Busy => Fault::RetryAfter { code: 429, seconds: 1 },
            Self::ResetBefore => Fault::ResetBefore,
            Self::ResetAfter => Fault::ResetAfter,
            Self::Hang => Fault::Hang(gate.clone()),
            Self::Signal(_, when) | Self::Killed(when, _) => when.at(gate),
        }
    }

    /// A fault that passes is ridden out.
    fn may_end_with(self) -> &'static [i32] {
        match self {
            Self::Signal("INT", _) => &[0, 130],
            Self::Signal(..) => &[0, 143],
            Self::Answer(409) => &[0, 1],
            _ => &[0],
        }
    }

    /// A run with what is done to it when it has come to the place; the last run, when there are two.
    async fn run(self, arena: &Arena, gate: &Gate) -> Result<Ran, String> {
        let mut child = arena.start(&["refresh"]);
        match self {
            Self::Signal(name, _) => {
                let pid = child.id().expect("it runs");
                let at_the_gate = async {
                    gate.reached().await;
                    signal(name, pid);
                    gate.open();
                    std::future::pending().await
                };
                tokio::select! { ran = finish(child) => ran, () = at_the_gate => unreachable!("it is pending") }
            }
            Self::Killed(_, next) => {
                tokio::select! {
                    // The place was not reached.
                    ended = child.wait() => { ended.map_err(|error| error.to_string())?; }
                    () = gate.reached() => child.kill().await.expect("it is killed"),
                }
                gate.open();
                shorten_lease(arena);
                arena.run(&[next]).await
            }
            _ => finish(child).await,
        }
    }
}

/// Sends the signal by its name, as an operator would.
fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// A holder that is dead is looked at for its Lease's duration: here a second.
fn shorten_lease(arena: &Arena) {
    if arena.lab.store.get("leases", SANDBOX, "sandbox-lifecycle").is_some() {
        let seconds = |lease: &mut serde_json::Value| lease["spec"]["leaseDurationSeconds"] = 1.into();
        arena.lab.change("leases", SANDBOX, "sandbox-lifecycle", seconds);
    }
}
