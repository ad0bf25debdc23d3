//! A run that is killed and has a watchdog: what that asks the API server for, and what can happen to it then.

use super::answer::Answer;
use super::arena::Arena;
use super::piece::Piece;
use super::trouble::die;
use crate::support::api::{Fault, Gate, Rule, Seen};
use crate::support::sandbox::{Ran, SANDBOX, WATCHDOG};
use serde_json::Value;
use std::time::Duration;

/// The command whose run has one.
pub(super) const WATCHED: &[&str] = &["refresh", "--watchdog", WATCHDOG];
/// Retries within it, and starting it again when it was killed.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks; each lets the time of the Lease's holder be over.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The lines of all requests that a watchdog makes once the holder's time is over.
pub(super) async fn requests() -> Vec<String> {
    let mut arena = Arena::new(Piece::Watched).await;
    killed(&mut arena).await;
    let ran = recovers(&arena).await.expect("it recovers");
    let lines: Vec<String> = arena.lab.api.record.all().iter().map(|seen| seen.line()).collect();
    arena.judge(&ran, true).await.expect("without any trouble all is well");
    assert!(lines.len() > 10, "only {} requests were seen", lines.len());
    lines
}

/// A run is killed in the middle of its restore, with everything to put back. What is recorded from now on is the watchdog's.
async fn killed(arena: &mut Arena) {
    let gate = Gate::new();
    // The word to the Job's Pod; the preflight asks those of the applications.
    let word = |seen: &Seen| seen.path.ends_with("/exec") && seen.path.contains("/pods/sandbox-refresh-");
    arena.lab.api.faults.add(Rule::on(word, Fault::Hang(gate.clone())));
    let mut child = arena.start();
    gate.reached().await;
    child.kill().await.expect("it is killed");
    arena.lab.api.faults.clear();
    arena.lab.api.record.clear();
}

/// The time of the Lease's holder is over, again and again, until the watchdog has put everything back: it may be started
/// again itself. Where there is none yet, or none any more, `recover` is run.
///
/// # Errors
/// It does not.
pub(super) async fn recovers(arena: &Arena) -> Result<Ran, String> {
    let over = async {
        while !arena.lab.store.list("leases", Some(SANDBOX)).is_empty() {
            if jobs(arena).is_empty() {
                die(arena, 0);
                return arena.run(&["recover"]).await;
            }
            // It is gone by now, or has just been written.
            let _ = arena.lab.store.mutate("leases", SANDBOX, "sandbox-lifecycle", |lease| {
                lease["spec"].as_object_mut().expect("its spec").shift_remove("renewTime");
            });
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Ran { code: 0, stdout: String::new(), stderr: "the watchdog recovered".to_owned() })
    };
    let over = tokio::time::timeout(LIMIT, over).await;
    over.unwrap_or_else(|_| Err(format!("not recovered within {LIMIT:?}; its Pods: {:?}", pods(arena))))
}

/// A run is killed, and its watchdog's n-th request meets this answer; or it is killed at it, and started again.
pub(super) async fn under(arena: &mut Arena, number: usize, answer: Option<Answer>) -> Result<(Ran, bool), String> {
    killed(arena).await;
    let faults = arena.lab.api.faults.clone();
    let Some(answer) = answer else {
        let gate = Gate::new();
        faults.add(Rule::on(|_| true, Fault::Hang(gate.clone())).after(number));
        let (ran, ()) = tokio::join!(recovers(arena), async {
            gate.reached().await;
            for pod in names(&pods(arena)) {
                arena.lab.kubelet.oom_kill(SANDBOX, &pod, "watchdog");
            }
            gate.open();
        });
        return Ok((ran?, faults.are_spent()));
    };
    faults.add(Rule::on(|_| true, answer.fault()).after(number).times(answer.times()));
    let ran = recovers(arena).await?;
    Ok((ran, faults.are_spent()))
}

fn jobs(arena: &Arena) -> Vec<String> {
    let jobs = names(&arena.lab.store.list("jobs", Some(SANDBOX)));
    jobs.into_iter().filter(|name| name.starts_with("sandbox-watchdog-")).collect()
}

fn pods(arena: &Arena) -> Vec<Value> {
    let mut pods = arena.lab.store.list("pods", Some(SANDBOX));
    pods.retain(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("sandbox-watchdog-")));
    pods
}

fn names(objects: &[Value]) -> Vec<String> {
    objects.iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
}
