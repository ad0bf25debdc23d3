//! Argo CD for real: every way of pausing it, and everything that fights the pause.
mod autoscalers;
mod disturbed;
mod frozen;
mod operation;
mod owners;
mod pause;
mod synced;
mod watchdog;

use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::Production;
use crate::support::sandbox::{Ran, SANDBOX, Sandbox, finish};
use serde_json::{Value, json};

const REFRESH: &[&str] = &["refresh-from-prod", "--min-tables", "10"];

/// The fixture with few tables: what is tried here is not the restore.
async fn small() -> Sandbox {
    Sandbox::with(&Production::Small, &[]).await
}

/// The bodies of the patches that the Application got, in their order, refused ones too; each is tied to a version.
fn patches(lab: &Sandbox) -> Vec<Value> {
    let all = lab.api.record.all().into_iter();
    let patches = all.filter(|seen| seen.line() == "patch applications erp-sandbox").map(|seen| seen.body);
    let without_version = |mut body: Value| {
        let metadata = body["metadata"].as_object_mut().expect("it is tied to a version");
        assert!(metadata.shift_remove("resourceVersion").is_some_and(|version| version.is_string()));
        if metadata.is_empty() {
            body.as_object_mut().expect("a patch").shift_remove("metadata");
        }
        body
    };
    patches.filter(Value::is_object).map(without_version).collect()
}

fn set_policy(lab: &Sandbox, policy: Value) {
    lab.change("applications", "argocd", SANDBOX, |application| application["spec"]["syncPolicy"] = policy);
}

/// Runs a refresh that is held at the first word to the restore: the sandbox is stopped and nothing is committed.
/// What `meddle` does then is all that can end it.
async fn meddled(lab: &Sandbox, arguments: &[&str], meddle: impl FnOnce()) -> Ran {
    let gate = Gate::new();
    lab.api.faults.add(Rule::on(|seen| seen.path.ends_with("/exec"), Fault::Hang(gate.clone())));
    let child = lab.command(arguments).spawn().expect("the binary starts");
    gate.reached().await;
    meddle();
    finish(child).await
}

/// Nothing was committed, and all is as it was.
fn assert_put_back(lab: &Sandbox, before: &crate::support::sandbox::World) {
    assert_eq!(lab.world(), *before);
}
