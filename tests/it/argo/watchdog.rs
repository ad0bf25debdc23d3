//! The watchdog: a Job that recovers the sandbox of a run that has disappeared with its machine.
use super::*;
use crate::support::container::image;
use crate::support::sandbox::WATCHDOG as IMAGE;
use crate::support::scene::Scene as _;

const WATCHED: &[&str] = &["refresh-from-prod", "--min-tables", "10", "--watchdog", IMAGE];

async fn lab() -> Sandbox {
    let lab = small().await;
    lab.offer_watchdog();
    lab
}

fn watchdogs(lab: &Sandbox) -> Vec<Value> {
    let mut jobs = lab.store.list("jobs", Some(SANDBOX));
    jobs.retain(|job| job["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("sandbox-watchdog-")));
    jobs
}

fn is_clean(lab: &Sandbox) -> bool {
    ["leases", "jobs"].iter().all(|resource| lab.store.list(resource, Some(SANDBOX)).is_empty())
        && lab.store.list("secrets", Some(SANDBOX)).len() == 1
}

/// A run that is killed while its restore is let go, with the sandbox at 0 and Argo CD paused.
async fn killed(lab: &Sandbox) {
    let gate = Gate::new();
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
    let mut child = lab.command(WATCHED).spawn().expect("the binary starts");
    gate.reached().await;
    child.kill().await.expect("it is killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_of_a_run_that_was_killed_puts_everything_back_and_goes() {
    let lab = lab().await;
    let before = lab.world();
    killed(&lab).await;
    let watchdog = &watchdogs(&lab)[0];
    assert_eq!(watchdog["spec"]["template"]["spec"]["serviceAccountName"], "sandbox-lifecycle");
    assert_eq!(lab.world().replicas, 0);
    // The time that its holder has is over.
    lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| {
        lease["spec"].as_object_mut().expect("its spec").remove("renewTime");
    });
    lab.until("all is put back", || is_clean(&lab)).await;
    lab.ready(SANDBOX).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_regular_run_and_a_failed_one_take_their_watchdog_away() {
    let lab = lab().await;
    lab.run(&["--dry-run", "refresh", "--watchdog", IMAGE])
        .await
        .assert_says("sandbox-watchdog-RUN, owned by the Lease");
    lab.run(WATCHED).await.assert_code(0).assert_says("[1/10] Start the watchdog");
    assert!(watchdogs(&lab).is_empty());
    let before = lab.world();
    lab.api.faults.add(Rule::on_line("patch deployments/scale erp-sandbox", Fault::code(403)));
    lab.run(WATCHED).await.assert_code(1);
    lab.until("the watchdog is gone with its Lease", || is_clean(&lab)).await;
    assert_put_back(&lab, &before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_that_cannot_start_or_does_not_stay_ends_the_run_before_the_sandbox_is_touched() {
    let lab = lab().await;
    let before = lab.world();
    lab.kubelet.config().images.with(
        "registry.example/broken:1",
        image::APP,
        &[("sandbox-lifecycle", "echo no rights >&2; exit 1")],
    );
    for (image, words) in
        [("registry.example/none:1", "registry.example/none:1"), ("registry.example/broken:1", "no rights")]
    {
        let ran = lab.run(&["refresh-from-prod", "--min-tables", "10", "--watchdog", image]).await.assert_code(1);
        let ran = ran.assert_says("the sandbox was not touched without its watchdog");
        ran.assert_says(words);
        assert!(patches(&lab).is_empty());
        lab.until("all is put back", || is_clean(&lab)).await;
        assert_put_back(&lab, &before);
    }
}

/// In the lab all have the rights of one user; the watchdog's own come from its ServiceAccount.
#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_that_may_not_put_something_back_says_so_at_its_start() {
    let lab = small().await;
    let mut rules = crate::support::readme::rules();
    lab.allow(&rules);
    lab.run(&["recover", "--wait", "60"]).await.assert_code(0);
    rules.retain(|rule| rule.resource != "deployments/scale");
    lab.allow(&rules);
    let ran = lab.run(&["recover", "--wait", "60"]).await.assert_code(1);
    ran.assert_says("may not patch deployments/scale in namespace erp-sandbox: a Role there needs the rule");
}

fn lease(lab: &Sandbox, duration: u32, renewed: &str) {
    lab.create(
        "leases",
        json!({
            "metadata": {"name": "sandbox-lifecycle", "namespace": SANDBOX},
            "spec": {"holderIdentity": "alice@laptop/1/abcd", "leaseDurationSeconds": duration, "renewTime": renewed},
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_by_ends_with_the_lease_and_touches_nothing_of_a_holder_that_lives() {
    let lab = small().await;
    lab.run(&["recover", "--wait", "60"]).await.assert_code(0).assert_says("nothing is left to put back");
    // Nobody's clock is compared: a time long past is a sign of life all the same.
    lease(&lab, 30, "2020-01-01T00:00:00.000000Z");
    let gate = Gate::new();
    lab.api.faults.add(Rule::on_line("watch leases", Fault::HangAfter(gate.clone())));
    let child = lab.command(&["recover", "--wait", "60"]).spawn().expect("the binary starts");
    gate.reached().await;
    gate.open();
    lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| {
        lease["spec"]["renewTime"] = json!("2020-01-01T00:00:10.000000Z");
    });
    let gone = lab.store.delete("leases", SANDBOX, "sandbox-lifecycle", Default::default());
    gone.expect("deleted");
    finish(child).await.assert_code(0).assert_says("nothing is left to put back");
    assert!(lab.api.record.writes().is_empty(), "{:?}", lab.api.record.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_by_recovers_once_the_holder_gives_no_sign_of_life() {
    let lab = small().await;
    lease(&lab, 1, "2050-01-01T00:00:00.000000Z");
    let ran = lab.run(&["recover", "--wait", "1"]).await.assert_code(0);
    ran.assert_says("alice@laptop/1/abcd is gone; putting back what it left");
    assert!(is_clean(&lab));
}
