//! What goes wrong at a place.

use super::arena::{Arena, KEPT, finish};
use super::place::Hold;
use super::watchdog;
use crate::support::api::{Fault, Rule};
use crate::support::sandbox::{Ran, SANDBOX};
use crate::support::store::DeleteOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::process::Child;

/// A control plane that is upgraded comes back within this.
const GONE: Duration = Duration::from_secs(30);
/// A node that does not answer is given up after five minutes in life; this is long enough to be noticed.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// Those that do the work.
const CONTAINERS: [&str; 7] = ["dump", "receive", "restore", "hold", "golden", "source", "target"];
const LEASE: &str = "sandbox-lifecycle";
const CLAIM: &str = "sandbox-golden";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Signal(&'static str),
    /// Killed on a machine whose clock is so many minutes off, then this elsewhere.
    Killed(Next, i64),
    /// Nothing but what the place is.
    None,
    /// A second run is started, and the first one's clock is so many minutes off.
    SecondRun(i64),
    Pod(Fate),
    PostgresRestarted,
    TokenExpired,
    /// Every connection is reset for half a minute.
    ApiGone,
    /// What holds the lock keeps it.
    LockKept,
    /// The golden volume is gone, its claim says.
    ClaimLost,
    /// The sandbox's own Pod, that takes the documents, is deleted.
    TargetDeleted,
    /// Every connection is reset, once.
    ConnectionCut,
}

/// Who goes on when a run was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Recover,
    /// The same command.
    Again,
    /// By itself; `recover` where the run had not come so far as to have one.
    Watchdog,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recover => "recover",
            Self::Again => "a new run",
            Self::Watchdog => "the watchdog",
        })
    }
}

/// What becomes of the Pod that does the work: the Job's, or the one that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Deleted,
    Evicted,
    OutOfMemory,
    NodeLost,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => write!(f, "SIG{name}"),
            Self::Killed(next, minutes) => write!(f, "SIGKILL, clock {minutes:+} min, then {next}"),
            Self::None => f.write_str("nothing else"),
            Self::SecondRun(minutes) => write!(f, "a second run, clock {minutes:+} min"),
            Self::Pod(fate) => write!(f, "the work's Pod: {fate:?}"),
            Self::PostgresRestarted => f.write_str("PostgreSQL restarted"),
            Self::TokenExpired => f.write_str("token expired"),
            Self::ApiGone => f.write_str("API server gone for 30 s"),
            Self::LockKept => f.write_str("another session keeps its lock"),
            Self::ClaimLost => f.write_str("golden volume lost"),
            Self::TargetDeleted => f.write_str("the sandbox's Pod deleted"),
            Self::ConnectionCut => f.write_str("connections cut"),
        }
    }
}

impl Trouble {
    /// What is counted together.
    pub(super) fn kind(self) -> String {
        match self {
            Self::Killed(next, _) => format!("SIGKILL, then {next}"),
            Self::SecondRun(_) => "a second run".to_owned(),
            _ => self.to_string(),
        }
    }

    /// The exit codes that can be the truth.
    pub(super) fn may_end_with(self) -> &'static [i32] {
        match self {
            Self::Signal("INT") => &[0, 130],
            Self::Signal(_) => &[0, 143],
            Self::Killed(..) | Self::SecondRun(_) | Self::None => &[0],
            Self::Pod(Fate::NodeLost) | Self::TokenExpired => &[0, 1, 3],
            Self::LockKept => &[1],
            Self::Pod(_) | Self::PostgresRestarted | Self::ApiGone | Self::ClaimLost => &[0, 1],
            Self::TargetDeleted | Self::ConnectionCut => &[0, 1],
        }
    }

    /// A node that does not answer is waited for, and so are a server and a lock.
    pub(super) fn is_slow(self) -> bool {
        matches!(self, Self::Pod(Fate::NodeLost) | Self::ApiGone | Self::LockKept)
    }

    /// Only `recover` has run at the end.
    pub(super) fn ends_with_recover(self) -> bool {
        matches!(self, Self::Killed(Next::Recover | Next::Watchdog, _))
    }

    /// Happens to a run that is held at its place, and lets it go on: the last run's end, when there are two.
    pub(super) async fn strike(self, arena: &mut Arena, hold: &Hold, mut child: Child) -> Result<Ran, String> {
        match self {
            Self::Signal(name) => signal(name, child.id().expect("it runs")),
            Self::Killed(next, minutes) => {
                child.kill().await.expect("it is killed");
                hold.release(arena);
                die(arena, minutes);
                return match next {
                    Next::Recover => arena.run(&["recover"]).await,
                    Next::Again => finish(arena.start()).await,
                    Next::Watchdog => watchdog::recovers(arena).await,
                };
            }
            Self::SecondRun(minutes) => return beside(arena, hold, child, minutes).await,
            Self::Pod(fate) => fate.strike(arena),
            Self::PostgresRestarted => arena.restart_postgres(),
            Self::TargetDeleted => arena.delete_target(),
            Self::ConnectionCut => arena.lab.api.reset_connections(),
            Self::ApiGone => return without_api(arena, hold, child).await,
            Self::LockKept | Self::None => return finish(child).await,
            Self::ClaimLost => return without_claim(arena, hold, child).await,
            Self::TokenExpired => arena.lab.api.set(|settings| settings.token = Some("another".to_owned())),
        }
        hold.release(arena);
        finish(child).await
    }

    /// What an operator does about a run that ended with 3, before `recover`.
    pub(super) async fn mend(self, arena: &Arena) {
        arena.lab.api.set(|settings| settings.token = None);
        for pod in work_pods(arena).into_iter().filter(|pod| is_transient(pod)) {
            // `kubectl delete pod --force` once the node is known to be gone.
            let _ = arena.lab.store.delete("pods", SANDBOX, &pod, DeleteOptions::now());
        }
        die(arena, 0);
    }
}

impl Fate {
    fn strike(self, arena: &Arena) {
        for pod in work_pods(arena) {
            match self {
                // It may be gone by itself by now.
                Self::Deleted => drop(arena.lab.store.delete("pods", SANDBOX, &pod, DeleteOptions::default())),
                Self::Evicted => arena.lab.kubelet.evict(SANDBOX, &pod),
                Self::NodeLost => lose(arena, &pod),
                Self::OutOfMemory => {
                    let is_running = |name: &&str| {
                        arena.lab.kubelet.container(SANDBOX, &pod, name).is_some_and(|it| it.exit().is_none())
                    };
                    let running = CONTAINERS.into_iter().find(is_running);
                    running.into_iter().for_each(|name| arena.lab.kubelet.oom_kill(SANDBOX, &pod, name));
                }
            }
        }
    }
}

/// The Pod of a Deployment is deleted in the end, and another one is made; that of a Job is left to the run.
fn lose(arena: &Arena, pod: &str) {
    arena.lab.kubelet.lose(SANDBOX, pod);
    if !is_transient(pod) {
        let (store, pod) = (arena.lab.store.clone(), pod.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(GIVEN_UP).await;
            // The run may have ended, and the case with it.
            let _ = store.delete("pods", SANDBOX, &pod, DeleteOptions::default());
        });
    }
}

fn work_pods(arena: &Arena) -> Vec<String> {
    let pods = arena.lab.store.list("pods", Some(SANDBOX));
    let names = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str());
    names.filter(|name| is_transient(name) || name.starts_with(KEPT)).map(str::to_owned).collect()
}

/// Is it a Pod of the run's own Job?
pub(super) fn is_transient(pod: &str) -> bool {
    ["sandbox-refresh-", "sandbox-golden-", "sandbox-doctor-"].iter().any(|job| pod.starts_with(job))
}

/// Sends the signal by its name, as an operator would.
fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// The time on a machine whose clock is so many minutes off.
fn on_a_clock(minutes: i64) -> Value {
    format!("{:.6}", Timestamp::now() + SignedDuration::from_mins(minutes)).into()
}

/// A holder that is dead is watched for its Lease's duration: here a second. What its clock said must not count.
pub(super) fn die(arena: &Arena, minutes: i64) {
    let skewed = |lease: &mut Value| {
        lease["spec"]["leaseDurationSeconds"] = 1.into();
        if lease["spec"]["renewTime"].is_string() {
            lease["spec"]["renewTime"] = on_a_clock(minutes);
        }
    };
    // There may be none yet, or none any more.
    let _ = arena.lab.store.mutate("leases", SANDBOX, LEASE, skewed);
}

/// The rest of the run goes on meanwhile.
async fn without_api(arena: &Arena, hold: &Hold, child: Child) -> Result<Ran, String> {
    arena.lab.api.faults.add(Rule::on(|_| true, Fault::ResetBefore).for_ever());
    arena.lab.api.reset_connections();
    hold.release(arena);
    let back = async {
        tokio::time::sleep(GONE).await;
        arena.lab.api.faults.clear();
    };
    let (ran, ()) = tokio::join!(finish(child), back);
    ran
}

/// What the claim says is mended by hand afterwards: here its content was not lost.
async fn without_claim(arena: &Arena, hold: &Hold, child: Child) -> Result<Ran, String> {
    let says = |phase: &'static str| {
        // There is none yet where it is the run that makes it.
        let _ = arena.lab.store.mutate("persistentvolumeclaims", SANDBOX, CLAIM, |claim| {
            claim["status"]["phase"] = phase.into();
        });
    };
    says("Lost");
    hold.release(arena);
    let ran = finish(child).await;
    says("Bound");
    ran
}

/// The first run renews its Lease, by its own clock, whenever somebody looks at it.
async fn beside(arena: &Arena, hold: &Hold, first: Child, minutes: i64) -> Result<Ran, String> {
    let store = arena.lab.store.clone();
    let renew = move |lease: &mut Value| lease["spec"]["renewTime"] = on_a_clock(minutes);
    let on_a_look = move |seen: &crate::support::api::Seen| {
        if seen.line() == format!("get leases {LEASE}") {
            let _ = store.mutate("leases", SANDBOX, LEASE, renew);
        }
        false
    };
    arena.lab.api.faults.add(Rule::on(on_a_look, Fault::ResetBefore).for_ever());
    let second = arena.start();
    let first = tokio::spawn(finish(first));
    let second = finish(second).await?;
    hold.release(arena);
    let first = first.await.expect("no panic there")?;
    // One that was held in its preflight may look for a Pod that the other one has stopped meanwhile.
    let words = ["is held by", "nothing was changed"];
    let refused = |ran: &Ran| {
        let says = |said: &String| words.iter().any(|words| said.contains(words));
        ran.code == 1 && [&ran.stderr, &ran.stdout].into_iter().any(says)
    };
    // Where the first has no Lease yet, or none any more, the second is the one that runs, or they run one after the other.
    match (first.code, second.code) {
        (0, 0) => Ok(first),
        (0, _) if refused(&second) => Ok(first),
        (_, 0) if refused(&first) => Ok(second),
        _ => Err(format!("exit codes {} and {}:\n{}\n{}", first.code, second.code, first.stderr, second.stderr)),
    }
}
