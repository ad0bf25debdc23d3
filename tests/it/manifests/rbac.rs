//! The Roles against the calls that the commands really make: nothing is lacking, nothing is there in vain.

use super::{parse, printed, small};
use crate::backup::vault::Vault;
use crate::support::api::Right;
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use sandbox_lifecycle::cli::{Cli, Task};
use sandbox_lifecycle::rights::{Call, Use, calls};
use sandbox_lifecycle::settings::Settings;
use serde_json::Value;
use std::collections::BTreeSet;

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

/// With a tree on both sides, and a sandbox that was refreshed.
async fn furnished() -> Sandbox {
    let lab = small().await;
    for namespace in [PROD, SANDBOX] {
        std::fs::create_dir(lab.documents(namespace).join("mycompany")).expect("a tree");
    }
    lab.run(&["--min-tables", "10", "refresh-from-prod"]).await.assert_code(0);
    lab
}

/// The settings that these flags mean.
fn settings(flags: &[&str]) -> Settings {
    let typed = [&["sandbox-lifecycle"], flags, &["config"]].concat();
    let matches = Cli::typed().try_get_matches_from(typed).expect("they can be typed");
    Settings::load(Cli::of(&matches).expect("they can be typed").options, None).expect("they are right")
}

/// Runs it with exactly the Roles that are printed for these commands: none of its calls is refused, and each that the table says is always
/// made was made, and so was each that is only for `looks`.
async fn least_in(lab: &Sandbox, flags: &[&str], tasks: &[Task], arguments: &[&str], looks: &[&str]) {
    let names: Vec<&str> = tasks.iter().map(|task| task.name()).collect();
    let rights = granted(&printed(lab, &[&["rbac"], names.as_slice(), flags].concat()).await);
    lab.api.set(|settings| settings.rights = Some(rights));
    lab.api.record.clear();
    lab.run(&[&["--min-tables", "10"], flags, arguments].concat()).await.assert_code(0);
    let refused: Vec<String> =
        lab.api.record.all().iter().filter(|seen| seen.code == Some(403)).map(|seen| seen.line()).collect();
    assert_eq!(refused, Vec::<String>::new(), "{names:?} asks for what its Roles do not have");
    let calls = calls(&settings(flags), tasks);
    assert!(!calls.is_empty());
    // A refresh's own are made by a refresh, and a checkpoint's by one that is taken.
    let runs = looks.is_empty() && !arguments.contains(&"cool");
    let due = |call: &&Call| match call.used {
        Use::Always => runs,
        Use::Sometimes(_) => false,
        Use::Only(what) => looks.contains(&what),
    };
    for call in calls.iter().filter(due) {
        assert!(was_made(lab, call), "{names:?} never made this call: {call:?}");
    }
    lab.api.set(|settings| settings.rights = None);
}

async fn least(tasks: &[Task], arguments: &[&str]) {
    least_in(&furnished().await, &[], tasks, arguments, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_uses_its_roles_to_the_last_verb() {
    least(&[Task::Refresh], &["refresh"]).await;
    least(&[Task::RefreshFromProd], &["refresh-from-prod"]).await;
    least(&[Task::SyncDocuments], &["sync-documents"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rehearsal_loop_needs_its_roles_and_no_more() {
    let lab = furnished().await;
    for (task, arguments) in [
        (Task::Checkpoint, &["checkpoint"][..]),
        (Task::Diff, &["diff", "--rows"]),
        (Task::Reset, &["reset"]),
        (Task::Reset, &["reset", "--offline"]),
        (Task::Checkpoint, &["checkpoint", "--warm"]),
        (Task::Reset, &["reset"]),
        (Task::Checkpoint, &["checkpoint", "list"]),
        (Task::Checkpoint, &["checkpoint", "show", "golden"]),
        (Task::Checkpoint, &["checkpoint", "delete", "golden"]),
        (Task::Checkpoint, &["checkpoint", "cool"]),
    ] {
        least_in(&lab, &[], &[task], arguments, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_need_their_roles_and_no_more() {
    let vault = Vault::new().await;
    let flags = ["--s3-secret", "bucket-key"];
    for (task, arguments) in [(Task::Backup, &["backup"][..]), (Task::Refresh, &["refresh", "--from-backup"])] {
        // The one from a backup asks production for nothing, so its own are not all made.
        let looks: &[&str] = if task == Task::Refresh { &["for `refresh --from-backup`"] } else { &[] };
        least_in(&vault.lab, &flags, &[task], arguments, looks).await;
    }
    for arguments in [&["backup", "list"][..], &["backup", "verify"], &["backup", "prune"]] {
        // They ask for the bucket's key, and for nothing else.
        let only_looks = &["nothing that the table knows"];
        least_in(&vault.lab, &flags, &[Task::Backup], arguments, only_looks).await;
        let asked: Vec<String> = vault.lab.api.record.all().iter().map(|seen| seen.line()).collect();
        let more = asked.iter().find(|line| !line.contains("bucket-key") && !line.contains("selfsubjectaccessreviews"));
        assert_eq!(more, None, "{arguments:?} asks for more: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_uses_its_roles_to_the_last_verb() {
    let lab = furnished().await;
    least_in(&lab, &[], &[Task::Recover], &["recover"], &[]).await;
    least_in(&lab, &[], &[Task::Status], &["status"], &["for `status`"]).await;
    for task in [Task::Refresh, Task::RefreshFromProd] {
        let both = [task, Task::Doctor];
        least_in(&lab, &[], &both, &["doctor", task.name()], &["for `doctor`"]).await;
        // A refresh has more rights than the look into the databases needs, so these are told by the doctor's own rows.
        least_in(&lab, &[], &both, &["doctor", task.name(), "--deep"], &["for `doctor`"]).await;
        let deep = calls(&settings(&[]), &[Task::Doctor]);
        let deep = deep.iter().filter(|call| call.used == Use::Only("for `doctor --deep`"));
        assert_eq!(deep.inspect(|call| assert!(was_made(&lab, call), "it never made this call: {call:?}")).count(), 13);
    }
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

/// `kubectl apply` would let the second take the place of the first.
#[tokio::test(flavor = "multi_thread")]
async fn the_roles_of_two_sandboxes_of_one_production_stand_side_by_side() {
    let lab = small().await;
    let mut all = BTreeSet::new();
    for flags in [&["rbac"][..], &["rbac", "--sandbox-namespace", "erp-test"]] {
        for object in parse(&printed(&lab, flags).await) {
            let place = [&object["kind"], &object["metadata"]["namespace"], &object["metadata"]["name"]];
            let place = place.map(|part| part.as_str().expect("a text").to_owned());
            assert!(all.insert(place.clone()), "{place:?} is made twice");
        }
    }
}
