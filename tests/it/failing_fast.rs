//! What cannot get better ends a run at once, with what the cluster says about it, and everything is put back.

use crate::support::api::{Fault, Rule, Seen};
use crate::support::container::image;
use crate::support::kubelet::Unschedulable;
use crate::support::postgres::{Production, SANDBOX as ACCESS};
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};
use serde_json::{Value, json};
use std::time::Duration;

/// An image whose restore and psql are real, but for `pg_restore`.
const TAMPERED: &str = "docker.io/library/postgres:15-tampered";

async fn fails_and_is_put_back(lab: &Sandbox, arguments: &[&str]) -> Ran {
    let before = lab.world();
    let ran = lab.run(arguments).await.assert_code(1);
    assert_eq!(lab.world(), before, "{}", ran.stderr);
    // A Job is put back at two places, and told at one.
    let told: Vec<&str> = ran.stderr.lines().filter_map(|line| line.strip_prefix("put back: ")).collect();
    assert!((1..told.len()).all(|at| !told[at..].contains(&told[at - 1])), "{}", ran.stderr);
    let jobs = told.iter().filter(|line| line.starts_with("Job "));
    assert!(jobs.clone().all(|line| line.ends_with(" is removed")), "{}", ran.stderr);
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_the_preflight_finds_is_said_a_line_each() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    let wrong = ["--prod-deployment", "nosuch", "--sandbox-secret", "none", "refresh-from-prod"];
    let ran = fails_and_is_put_back(&lab, &wrong).await;
    let lines: Vec<&str> = ran.stderr.lines().skip_while(|line| !line.starts_with("error: ")).collect();
    assert_eq!(lines[0], "error: the preflight found 2 problems, and nothing was changed:", "{}", ran.stderr);
    assert!(lines[1].starts_with("  - cannot get Deployment erp/nosuch"), "{}", ran.stderr);
    assert!(lines[2].starts_with("  - cannot get Secret erp-sandbox/none"), "{}", ran.stderr);
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    lab.api.set(|settings| settings.rights = Some(Vec::new()));
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod"]).await;
    let lacking = ran.stderr.lines().filter(|line| line.starts_with("  - this client may not ")).count();
    assert!(lacking > 5 && ran.stderr.contains("rights are lacking, and nothing was changed:\n"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_lets_no_pod_come_is_said_in_the_clusters_words() {
    let lab = Sandbox::new().await;
    let quota = json!({"metadata": {"name": "tight", "namespace": SANDBOX}, "spec": {"hard": {"pods": "1"}}});
    lab.create("resourcequotas", quota);
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod"]).await;
    ran.assert_says("FailedCreate").assert_says("exceeded quota: tight");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_no_node_takes_is_said_in_the_schedulers_words() {
    let lab = Sandbox::new().await;
    let why = "0/1 nodes are available: 1 Insufficient memory.";
    lab.kubelet.set(|config| config.unschedulable = vec![Unschedulable::of("sandbox-refresh-")]);
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod"]).await;
    ran.assert_says("cannot be scheduled").assert_says(why);
}

/// The Pod waits for its Secret, which is an Event, and a busy server is slow to tell that there is a Pod.
#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_seen_late_is_not_taken_for_one_that_cannot_come() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.api.faults.add(Rule::on_line("create secrets", Fault::Delay(Duration::from_secs(2))));
    let of_the_job = |seen: &Seen| seen.line() == "list pods" && seen.query.contains("sandbox-lifecycle");
    lab.api.faults.add(Rule::on(of_the_job, Fault::Delay(Duration::from_secs(7))));
    let ran = lab.run(&["refresh-from-prod", "--min-tables", "10"]).await.assert_code(0);
    ran.assert_says("waiting for the Pod");
    assert!(lab.api.faults.are_spent());
    let waited = |event: &Value| event["message"].as_str().is_some_and(|text| text.contains("not found"));
    assert!(lab.store.list("events", Some(SANDBOX)).iter().any(waited), "the Pod waited for its Secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_object_of_a_pod_that_never_ran_is_not_waited_for() {
    let lab = Sandbox::new().await;
    lab.kubelet.set(|config| {
        config.unstarted_stay_waiting = true;
        // Longer than any test: a run that waited for it would not end.
        config.removal_delay = std::time::Duration::from_secs(3600);
    });
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod", "--pg-image", "registry.example/none:1"]).await;
    ran.assert_says("has no image registry.example/none:1").assert_says("not found");
    let pods = lab.store.list("pods", Some(SANDBOX));
    let left = pods
        .iter()
        .any(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("sandbox-refresh-")));
    assert!(left, "the object of the Job's Pod is there still: {pods:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_out_of_memory_is_named_with_its_limit() {
    let lab = Sandbox::new().await;
    for container in ["dump", "restore"] {
        let before = lab.world();
        let child = lab.command(&["refresh-from-prod"]).spawn().expect("the binary starts");
        let pod = running(&lab, container).await;
        lab.kubelet.oom_kill(SANDBOX, &pod, container);
        let ran = finish(child).await.assert_code(1);
        ran.assert_says(container).assert_says("it ran out of its 1 GiB of memory");
        assert_eq!(lab.world(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_evicted_is_told_once_in_the_nodes_words() {
    let lab = Sandbox::new().await;
    for container in ["dump", "restore"] {
        let before = lab.world();
        let child = lab.command(&["refresh-from-prod"]).spawn().expect("the binary starts");
        let pod = running(&lab, container).await;
        lab.kubelet.evict(SANDBOX, &pod);
        let ran = finish(child).await.assert_code(1).assert_says("Evicted");
        assert_eq!(ran.stderr.matches("low on resource").count(), 1, "{}", ran.stderr);
        assert_eq!(lab.world(), before);
    }
}

/// The Job's Pod, once this container of it runs.
async fn running(lab: &Sandbox, container: &str) -> String {
    let find = || {
        let pods = lab.store.list("pods", Some(SANDBOX));
        let runs = |pod: &&Value| {
            let statuses = ["initContainerStatuses", "containerStatuses"].map(|kind| pod["status"][kind].as_array());
            let mut statuses = statuses.into_iter().flatten().flatten();
            statuses.any(|status| status["name"] == container && status["state"]["running"].is_object())
        };
        pods.iter().find(runs).and_then(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
    };
    lab.until(&format!("{container} runs"), || find().is_some()).await;
    find().expect("it was there a moment ago")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pg_restore_that_fails_in_the_middle_leaves_the_old_sandbox_and_says_why() {
    let lab = Sandbox::new().await;
    let tampered = "#!/bin/sh\nreal=$(echo /.image/usr/lib/postgresql/*/bin/pg_restore)\n\
                    case $* in *--list*) exec \"$real\" \"$@\" ;; esac\n\
                    \"$real\" \"$@\" | head -c 40000\necho 'could not read from input file' >&2\nexit 1";
    lab.kubelet.config().images.with(TAMPERED, image::POSTGRES, &[("pg_restore", tampered)]);
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod", "--pg-image", TAMPERED]).await;
    let ran = ran.assert_says("the dump could not be read to its end").assert_says("rolled back");
    ran.assert_says("put back: Job erp-sandbox/sandbox-refresh-");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_the_sandbox_lacks_is_an_error_before_the_wipe_and_before_any_downtime() {
    let lab = Sandbox::new().await;
    lab.postgres.sql("erp", "CREATE EXTENSION pg_trgm");
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod"]).await;
    ran.assert_says("lacks extensions").assert_says("pg_trgm");
    let scaled = lab.api.record.writes().iter().any(|line| line.contains("deployments/scale"));
    assert!(!scaled, "it cost downtime");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_somebody_else_stops_the_restore_and_is_named() {
    let lab = Sandbox::new().await;
    let mut other =
        lab.postgres.psql(ACCESS.database).stdin(std::process::Stdio::piped()).spawn().expect("psql starts");
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'erp-sandbox' AND application_name = 'lab'";
    let wait = format!("DO $$ BEGIN WHILE ({connected}) = 0 LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$");
    lab.postgres.sql("postgres", &wait);
    let ran = fails_and_is_put_back(&lab, &["refresh-from-prod"]).await;
    other.kill().expect("it runs");
    other.wait().expect("it ends");
    ran.assert_says("restore refused (exit code 27)");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_the_file_the_environment_and_the_flags_in_this_order() {
    let lab = Sandbox::new().await;
    let file = lab.dir.path().join("sandbox-lifecycle.toml");
    std::fs::write(file, "prod-deployment = \"by-file\"\nprod-secret = \"by-file\"\nsandbox-secret = \"by-file\"\n")
        .expect("a file of the test's own");
    let mut command = lab.command(&["refresh-from-prod", "--prod-secret", "by-flag"]);
    command.env("SANDBOX_LIFECYCLE_PROD_SECRET", "by-env").env("SANDBOX_LIFECYCLE_SANDBOX_SECRET", "by-env");
    let ran = finish(command.spawn().expect("the binary starts")).await.assert_code(1);
    let ran = ran.assert_says("Deployment erp/by-file: not found").assert_says("Secret erp/by-flag");
    ran.assert_says("Secret erp-sandbox/by-env");
}
