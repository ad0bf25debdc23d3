//! The Roles against the calls that the commands really make: nothing is lacking, nothing is there in vain.

use super::{parse, printed, small};
use crate::support::api::Right;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use sandbox_lifecycle::cli::{Options, Task};
use sandbox_lifecycle::rights::{Call, Use, calls};
use sandbox_lifecycle::settings::Settings;
use serde_json::Value;

/// What the printed Roles grant, as the lab's API server knows it.
fn granted(yaml: &str) -> Vec<Right> {
    let mut rights = Vec::new();
    for role in parse(yaml).iter().filter(|object| object["kind"] == "Role") {
        let namespace = role["metadata"]["namespace"].as_str().expect("a namespace");
        for rule in role["rules"].as_array().expect("rules") {
            let texts = |field: &str| -> Vec<String> {
                let list = rule[field].as_array().into_iter().flatten();
                list.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            for resource in texts("resources") {
                for verb in texts("verbs") {
                    let right = Right::new(&verb, &resource, namespace);
                    let names = texts("resourceNames");
                    match names.is_empty() {
                        true => rights.push(right),
                        false => {
                            rights.extend(names.into_iter().map(|name| Right { name: Some(name), ..right.clone() }))
                        }
                    }
                }
            }
        }
    }
    rights
}

/// Whether the lab was asked that.
fn was_made(lab: &Sandbox, call: &Call) -> bool {
    let right = &call.right;
    lab.api.record.all().iter().any(|seen| {
        let Some(target) = seen.target() else { return false };
        let query = seen.query();
        let selected = query.get("fieldSelector").and_then(|selector| selector.strip_prefix("metadata.name="));
        let name = target.name.as_deref().or(selected);
        // An exec over WebSocket is a GET, and asks for `create` as well.
        let verb = seen.verb() == right.verb || seen.path.ends_with("/exec") && right.verb == "create";
        let named = right.name.as_ref().is_none_or(|wanted| name == Some(wanted));
        verb && named
            && (target.kind.group, target.resource().as_str(), target.namespace.as_str())
                == (right.group, right.resource, right.namespace.as_str())
    })
}

/// Runs it with exactly the Roles that are printed for it.
async fn least(tasks: &[Task], arguments: &[&str]) {
    let lab = small().await;
    for namespace in [PROD, SANDBOX] {
        std::fs::create_dir(lab.documents(namespace).join("mycompany")).expect("a tree");
    }
    lab.run(&["--min-tables", "10", "refresh-from-prod"]).await.assert_code(0);
    let names: Vec<&str> = tasks.iter().map(|task| task.name()).collect();
    let rights = granted(&printed(&lab, &[&["rbac"], names.as_slice()].concat()).await);
    lab.api.set(|settings| settings.rights = Some(rights));
    lab.api.record.clear();
    lab.run(&[&["--min-tables", "10"], arguments].concat()).await.assert_code(0);
    let refused: Vec<String> =
        lab.api.record.all().iter().filter(|seen| seen.code == Some(403)).map(|seen| seen.line()).collect();
    assert_eq!(refused, Vec::<String>::new(), "{names:?} asks for what its Roles do not have");
    let settings = Settings::load(Options::default(), None).expect("the defaults are right");
    let calls = calls(&settings, tasks);
    assert!(!calls.is_empty());
    // A refresh's own are made by a refresh; what only looks makes all of its own.
    let looks = |call: &Call| matches!(call.used, Use::Only("for `status`" | "for `doctor`"));
    let runs = !tasks.contains(&Task::Doctor) && !arguments.contains(&"cool");
    for call in calls.iter().filter(|call| runs && call.used == Use::Always || looks(call)) {
        assert!(was_made(&lab, call), "{names:?} never made this call: {call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_uses_its_roles_to_the_last_verb() {
    least(&[Task::Refresh], &["refresh"]).await;
    least(&[Task::RefreshFromProd], &["refresh-from-prod"]).await;
    least(&[Task::SyncDocuments], &["sync-documents"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rehearsal_loop_needs_its_roles_and_no_more() {
    least(&[Task::Checkpoint], &["checkpoint"]).await;
    least(&[Task::Checkpoint], &["checkpoint", "--warm"]).await;
    least(&[Task::Checkpoint], &["checkpoint", "cool"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_uses_its_roles_to_the_last_verb() {
    least(&[Task::Recover], &["recover"]).await;
    least(&[Task::Status], &["status"]).await;
    least(&[Task::Refresh, Task::Doctor], &["doctor"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_documents_nobody_may_exec_in_production_and_names_are_the_settings() {
    let lab = small().await;
    let yaml = printed(
        &lab,
        &["rbac", "refresh-from-prod", "--prod-namespace", "live", "--watchdog-service-account", "robot"],
    )
    .await;
    let rights = granted(&yaml);
    assert!(rights.iter().all(|right| right.namespace != "live" || right.verb == "get"), "{rights:?}");
    assert!(rights.iter().all(|right| right.namespace != "live" || !right.resource.starts_with("pods")), "{rights:?}");
    assert!(yaml.contains("{name: robot, namespace: erp-sandbox}"), "{yaml}");
    assert!(!yaml.contains("Cluster") && !yaml.contains('*'), "{yaml}");
    lab.run(&["manifests", "rbac", "nonsense"]).await.assert_code(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_shows_what_is_printed() {
    let lab = small().await;
    let readme = crate::support::readme::rights("yaml");
    let printed = printed(&lab, &["rbac"]).await;
    assert_eq!(
        readme, printed,
        "write what `sandbox-lifecycle manifests rbac` prints into the README's chapter on rights"
    );
}
