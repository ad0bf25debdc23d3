//! Job → Pod: retries, deadline, suspension, TTL.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::rules::{generated_name, now};
use super::super::store::{DeleteOptions, Propagation, Store};
use super::objects::{
    age, condition, delete, is_active, is_deleting, is_ready, name, namespace, owned, phase, pod_of, set_condition,
    set_count, uid, write_status,
};
use super::{Next, quota, sooner};

/// Keeps a Pod until it is counted.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// The pause before a failed Pod's replacement.
const RETRY: Duration = Duration::from_secs(1);

pub(super) fn reconcile(store: &Store) -> Next {
    let jobs = store.list("jobs", None);
    release_orphans(store, &jobs);
    let mut next = None;
    for job in &jobs {
        let more = match finished(job) {
            Some(at) => {
                owned(store, "pods", job).iter().for_each(|pod| release(store, pod));
                expire(store, job, at)
            }
            // Its Pods go with it: nothing is begun, and nobody counts any more.
            None if is_deleting(job) => {
                let pods = owned(store, "pods", job);
                pods.iter().filter(|pod| is_deleting(pod)).for_each(|pod| release(store, pod));
                None
            }
            None => advance(store, job),
        };
        next = sooner(next, more);
    }
    next
}

/// When it finished, if it has.
fn finished(job: &Value) -> Option<&Value> {
    let ends = ["Complete", "Failed"].into_iter().filter_map(|kind| condition(job, kind));
    ends.into_iter().find(|end| end["status"] == "True").map(|end| &end["lastTransitionTime"])
}

fn expire(store: &Store, job: &Value, at: &Value) -> Next {
    let ttl = Duration::from_secs(job["spec"]["ttlSecondsAfterFinished"].as_u64()?);
    let since = age(at)?;
    if since < ttl {
        return Some(ttl - since);
    }
    if !is_deleting(job) {
        let options = DeleteOptions {
            propagation: Some(Propagation::Foreground),
            uid: Some(uid(job).to_owned()),
            ..DeleteOptions::default()
        };
        // Deleted by somebody else in the meantime: as wanted.
        let _ = store.delete("jobs", namespace(job), name(job), options);
    }
    None
}

fn advance(store: &Store, job: &Value) -> Next {
    let pods = owned(store, "pods", job);
    let mut status = count(store, job, &pods);
    let active = pods.iter().filter(|pod| is_active(pod) && !is_counted(pod)).count();
    let number = |status: &Value, field: &str| status[field].as_u64().unwrap_or_default();
    let spec = &job["spec"];
    let (failed, succeeded) = (number(&status, "failed"), number(&status, "succeeded"));
    let mut next = None;
    if spec["suspend"] == true {
        suspend(store, &pods, &mut status);
    } else if succeeded >= spec["completions"].as_u64().unwrap_or(1) {
        complete(&mut status);
    } else if let Some((reason, message)) = why_failed(job, &status, failed) {
        fail(store, &pods, &mut status, (reason, message));
    } else {
        resume(&mut status);
        if active == 0 {
            next = replace(store, job, &pods, failed);
        }
        next = sooner(next, until_deadline(job, &status));
    }
    set_count(&mut status, "active", active);
    status["ready"] = pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count().into();
    write_status(store, "jobs", job, status);
    next
}

/// Counts the Pods that have ended, each once: the finalizer is the mark.
fn count(store: &Store, job: &Value, pods: &[Value]) -> Value {
    let mut status = job["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    status["uncountedTerminatedPods"] = json!({});
    for pod in pods.iter().filter(|pod| !is_counted(pod)) {
        let killed = pod["metadata"]["deletionGracePeriodSeconds"].as_u64() == Some(0);
        let field = match phase(pod) {
            "Succeeded" => "succeeded",
            "Failed" => "failed",
            _ if is_deleting(pod) && killed => "failed",
            _ => continue,
        };
        let before = status[field].as_u64().unwrap_or_default();
        status[field] = (before + 1).into();
        release(store, pod);
    }
    status
}

fn is_counted(pod: &Value) -> bool {
    let marks = pod["metadata"]["finalizers"].as_array();
    !marks.is_some_and(|marks| marks.iter().any(|mark| mark == TRACKING))
}

fn release(store: &Store, pod: &Value) {
    if is_counted(pod) {
        return;
    }
    // Gone in the meantime: nothing to release.
    let _ = store.mutate("pods", namespace(pod), name(pod), |pod| {
        if let Some(marks) = pod["metadata"]["finalizers"].as_array_mut() {
            marks.retain(|mark| mark != TRACKING);
        }
    });
}

/// Pods whose Job is gone wait for nobody.
fn release_orphans(store: &Store, jobs: &[Value]) {
    for pod in store.list("pods", None).iter().filter(|pod| !is_counted(pod)) {
        let owners = pod["metadata"]["ownerReferences"].as_array();
        let owned = owners.into_iter().flatten().any(|owner| jobs.iter().any(|job| owner["uid"] == *uid(job)));
        if !owned {
            release(store, pod);
        }
    }
}

fn suspend(store: &Store, pods: &[Value], status: &mut Value) {
    set_condition(status, "Suspended", (true, "JobSuspended", "Job suspended"));
    pods.iter().filter(|pod| is_active(pod)).for_each(|pod| delete(store, "pods", pod));
    if let Some(fields) = status.as_object_mut() {
        fields.shift_remove("startTime");
    }
}

fn resume(status: &mut Value) {
    if !status["startTime"].is_string() {
        status["startTime"] = now().into();
    }
    let suspended = status["conditions"].as_array();
    if suspended.is_some_and(|all| all.iter().any(|one| one["type"] == "Suspended")) {
        set_condition(status, "Suspended", (false, "JobResumed", "Job resumed"));
    }
}

fn complete(status: &mut Value) {
    let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
    set_condition(status, "SuccessCriteriaMet", (true, reason, message));
    set_condition(status, "Complete", (true, reason, message));
    status["completionTime"] = now().into();
}

/// Why it must end as failed; once decided, for good.
fn why_failed(job: &Value, status: &Value, failed: u64) -> Option<(&'static str, &'static str)> {
    const LIMIT: (&str, &str) = ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    const LATE: (&str, &str) = ("DeadlineExceeded", "Job was active longer than specified deadline");
    if let Some(decided) = condition(job, "FailureTarget") {
        return Some(if decided["reason"] == LATE.0 { LATE } else { LIMIT });
    }
    let late = until_deadline(job, status).is_some_and(|left| left.is_zero());
    let limit = job["spec"]["backoffLimit"].as_u64().unwrap_or(6);
    if failed > limit { Some(LIMIT) } else { late.then_some(LATE) }
}

fn until_deadline(job: &Value, status: &Value) -> Next {
    let deadline = Duration::from_secs(job["spec"]["activeDeadlineSeconds"].as_u64()?);
    Some(deadline.saturating_sub(age(&status["startTime"])?))
}

/// First the decision, then the end of its Pods, and only then the condition Failed.
fn fail(store: &Store, pods: &[Value], status: &mut Value, (reason, message): (&str, &str)) {
    set_condition(status, "FailureTarget", (true, reason, message));
    let running: Vec<&Value> = pods.iter().filter(|pod| !is_counted(pod) && !ended(pod)).collect();
    running.iter().filter(|pod| !is_deleting(pod)).for_each(|pod| delete(store, "pods", pod));
    if running.is_empty() {
        set_condition(status, "Failed", (true, reason, message));
    }
}

fn ended(pod: &Value) -> bool {
    let killed = pod["metadata"]["deletionGracePeriodSeconds"].as_u64() == Some(0);
    matches!(phase(pod), "Succeeded" | "Failed") || (is_deleting(pod) && killed)
}

/// The first Pod at once, another after a pause.
fn replace(store: &Store, job: &Value, pods: &[Value], failed: u64) -> Next {
    let newest = pods.iter().filter_map(|pod| age(&pod["metadata"]["creationTimestamp"])).min();
    if let Some(left) = newest.filter(|_| failed > 0).and_then(|age| RETRY.checked_sub(age)) {
        return Some(left.max(Duration::from_millis(50)));
    }
    if quota::refusal(store, "jobs", job).is_some() {
        return Some(RETRY);
    }
    let mut pod = pod_of("jobs", job, &generated_name(&format!("{}-", name(job))));
    pod["metadata"]["finalizers"] = json!([TRACKING]);
    // A refusal is shown by the Pod that is missing.
    let _ = store.create("pods", pod);
    None
}
