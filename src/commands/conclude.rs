//! The last words of a command.
use crate::cli::named;
use crate::outcome::Outcome;
use crate::report::{Event, Report};
use crate::summary::Summary;
use anyhow::Error;

/// The last words: what was not put back, the cause, and what to do now.
pub fn conclude(outcome: &Outcome, report: &dyn Report, summary: &mut Summary) {
    summary.outcome = match outcome.code() {
        0 => "done",
        3 => "not-put-back",
        _ => "failed",
    };
    summary.error = outcome.cause.as_ref().map(|cause: &Error| format!("{cause:#}"));
    summary.put_back.extend(outcome.put_back.iter().cloned());
    summary.not_put_back = outcome.left.iter().map(|left| left.what.clone()).collect();
    if let Some(cause) = &outcome.cause {
        report.event(Event::Failed { cause });
        if outcome.left.is_empty() && !outcome.put_back.is_empty() {
            let gone = match summary.rehearsal.kept_pod_gone {
                true => named(
                    " but for the golden Pod that was kept: `sandbox-lifecycle checkpoint --warm` keeps one again",
                ),
                false => String::new(),
            };
            let stays = if summary.committed { "; what was committed to the sandbox's database stays" } else { "" };
            report.event(Event::Advice { text: &format!("everything was put back{gone}{stays}") });
        }
    }
    for left in &outcome.left {
        report.event(Event::Advice { text: left });
    }
    if !outcome.left.is_empty() {
        report.event(Event::Advice { text: &named("put all of it back with: sandbox-lifecycle recover") });
    }
}
