//! Whatever ends a run, the world afterwards is the world before, or the exit code says what is not.

use crate::support::api::{Fault, Rule};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::postgres::Production;
use crate::support::sandbox::{SANDBOX, Sandbox, World, finish};
use crate::support::scene::Scene;
use std::process::Stdio;
use tokio::process::Child;

fn assert_whole(lab: &Sandbox, before: &World) {
    let after = lab.world();
    assert_eq!(after.production, before.production, "production was changed");
    let old_or_new = after.sandbox == before.sandbox || after.sandbox == before.production;
    assert!(old_or_new, "the sandbox is neither the old nor the new one");
    assert_eq!(
        (after.replicas, after.sync_policy, after.objects),
        (before.replicas.clone(), before.sync_policy.clone(), before.objects.clone())
    );
}

/// The fixture with few tables, for what is run many times.
async fn small() -> Sandbox {
    Sandbox::with(&Production::Small, &[]).await
}

fn start(lab: &Sandbox) -> Child {
    let mut command = lab.command(&["refresh-from-prod"]);
    command.env("SANDBOX_LIFECYCLE_MIN_TABLES", "10").spawn().expect("the binary starts")
}

/// A holder that is dead is watched for its Lease's duration: here a second.
fn shorten_lease(lab: &Sandbox) {
    lab.change("leases", SANDBOX, "sandbox-lifecycle", |lease| lease["spec"]["leaseDurationSeconds"] = 1.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_every_write_is_put_back() {
    let lab = small().await;
    let before = lab.world();
    let mut number = 0;
    loop {
        lab.api.faults.add(Rule::on_write(number, Fault::code(422)));
        let ran = finish(start(&lab)).await;
        if !lab.api.faults.are_spent() {
            break;
        }
        assert!(matches!(ran.code, 0 | 1 | 3), "write {number}: {ran:?}");
        if ran.code == 3 {
            // The last write of all is the Lease's deletion: nobody asks twice where the server says no.
            ran.assert_says("NOT put back: Lease erp-sandbox/sandbox-lifecycle is to be removed");
            shorten_lease(&lab);
            lab.run(&["recover"]).await.assert_code(0);
        }
        assert_whole(&lab, &before);
        number += 1;
    }
    assert!(number > 8, "only {number} writes were seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_at_each_step_is_put_back() {
    let lab = small().await;
    let before = lab.world();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for step in 2..=8 {
            let run = lab.reach(&["refresh-from-prod", "--min-tables", "10"], &format!("[{step}/9]")).await;
            run.signal(name);
            let ran = run.end().await;
            // A signal that comes when all is done already finds nothing to end.
            assert!(ran.code == code || ran.code == 0, "{name} at step {step}: {}", ran.stderr);
            let last = ran.stderr.lines().last().unwrap_or_default();
            assert!(
                ran.code == 0 || last.starts_with("everything was put back"),
                "{name} at step {step}: {}",
                ran.stderr
            );
            assert_whole(&lab, &before);
        }
    }
}

/// Reads the child's stderr up to a line that begins so.
async fn wait_for_line(child: &mut tokio::process::Child, begins: &str) -> String {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.expect("readable") {
        said.push_str(&line);
        said.push('\n');
        if line.starts_with(begins) {
            // Somebody must go on reading, or the binary would block or see a closed pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return said;
        }
    }
    panic!("{begins} was not said:\n{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_recovered_and_a_new_run_goes_on() {
    let lab = Sandbox::new().await;
    let before = lab.world();
    for next in [&["recover"][..], &["refresh-from-prod"]] {
        let mut child = lab.command(&["refresh-from-prod"]).stdout(Stdio::null()).spawn().expect("the binary starts");
        wait_for_line(&mut child, "[6/9]").await;
        child.kill().await.expect("it is killed");
        let stranded = lab.world();
        assert_ne!(stranded.sync_policy, before.sync_policy, "automated sync is off");
        shorten_lease(&lab);
        lab.run(next).await.assert_code(0).assert_says("put back");
        assert_whole(&lab, &before);
    }
    assert_eq!(lab.world().sandbox, before.production);
    lab.run(&["recover"]).await.assert_code(0).assert_says("no run has left anything behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_back_is_said_with_exit_code_3_and_the_command() {
    let lab = Sandbox::new().await;
    lab.api.faults.add(Rule::on_line("patch deployments/scale erp-sandbox", Fault::code(403)).after(1).for_ever());
    let ran = lab.run(&["refresh-from-prod"]).await.assert_code(3);
    let ran = ran.assert_says("NOT put back: Deployment erp-sandbox/erp-sandbox at 1 replica ");
    let ran = ran.assert_says("kubectl -n erp-sandbox scale deployment erp-sandbox --replicas=1");
    let ran = ran.assert_says("sandbox-lifecycle recover");
    assert_eq!(ran.stderr.matches("NOT put back").count(), 1, "{}", ran.stderr);
    lab.api.faults.clear();
    lab.run(&["recover"]).await.assert_code(0);
    lab.ready(SANDBOX).await;
    assert!(lab.world().objects["leases"].is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_come_back_during_the_restore_stop_the_commit() {
    let lab = Sandbox::new().await;
    let before = lab.world();
    let mut child = lab.command(&["refresh-from-prod"]).spawn().expect("the binary starts");
    wait_for_line(&mut child, "[6/9]").await;
    lab.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = 1.into());
    let ran = finish(child).await;
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let after = lab.world();
    assert_eq!(after.sandbox, before.sandbox, "nothing was committed");
    assert_eq!((after.replicas, after.sync_policy), (before.replicas, before.sync_policy));
}

/// The container does what it is told, and ends, while the answer to the exec is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_whose_answer_is_lost_each_time_is_known_by_what_comes_of_it() {
    let lab = small().await;
    let before = lab.world();
    for word in ["restore", "commit"] {
        let how = Break::CutAfterSending(0);
        let (pod, command) = ("sandbox-refresh-".to_owned(), word.to_owned());
        let fault = ExecFault { pod, command, times: 3, ..ExecFault::once(SANDBOX, how) };
        lab.kubelet.exec_faults().arm(fault);
        let ran = finish(start(&lab)).await;
        lab.kubelet.exec_faults().disarm();
        assert_eq!(ran.code, 0, "{word}: {}", ran.stderr);
        assert_whole(&lab, &before);
        assert_eq!(lab.world().sandbox, before.production);
    }
}
