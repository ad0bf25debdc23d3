//! The nightly backup: the CronJob that is printed makes one, and the policies fit its Pod.

use super::{apply, parse, printed};
use crate::backup::vault::Vault;
use crate::support::sandbox::SANDBOX;
use serde_json::Value;

const CRONJOB: [&str; 6] = ["cronjob", "backup", "--image", "i:1", "--s3-secret", "bucket-key"];

fn pod(cronjob: &Value) -> &Value {
    &cronjob["spec"]["jobTemplate"]["spec"]["template"]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cronjob_runs_makes_a_set() {
    let vault = Vault::small(1).await;
    let few = ["--min-tables", "10", "--age-identity", "/home/me/key.txt"];
    let job = parse(&printed(&vault.lab, &[&CRONJOB[..], &few].concat()).await).remove(0);
    let spec = &job["spec"];
    assert_eq!((&job["metadata"]["namespace"], &spec["concurrencyPolicy"]), (&SANDBOX.into(), &"Forbid".into()));
    assert_eq!((&spec["schedule"], &spec["jobTemplate"]["spec"]["backoffLimit"]), (&"17 0 * * *".into(), &0.into()));
    assert!(
        spec["startingDeadlineSeconds"].is_number() && spec["jobTemplate"]["spec"]["activeDeadlineSeconds"].is_number()
    );
    assert_eq!(pod(&job)["spec"]["serviceAccountName"], "sandbox-lifecycle");
    let container = &pod(&job)["spec"]["containers"][0];
    let words: Vec<&str> = container["command"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    assert_eq!(words[0], "sandbox-lifecycle");
    let mut command = vault.lab.command(&words[1..]);
    for one in container["env"].as_array().expect("a list") {
        let name = one["name"].as_str().expect("a name");
        assert_ne!(name, "SANDBOX_LIFECYCLE_AGE_IDENTITY", "no file of this machine is in a Pod");
        command.env(name, one["value"].as_str().expect("a value"));
    }
    crate::support::sandbox::finish(command.spawn().expect("the binary starts")).await.assert_code(0);
    assert_eq!(vault.sets().await.len(), 1);
    vault
        .lab
        .run(&["manifests", "cronjob", "backup", "--image", "i:1"])
        .await
        .assert_code(2)
        .assert_says("--s3-secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_own_policy_lets_its_pod_reach_the_bucket() {
    let lab = super::small().await;
    let arguments = ["networkpolicy", "--s3-secret", "b", "--s3-endpoint", "https://minio.storage.svc:9000"];
    let yaml = printed(&lab, &arguments).await;
    apply(&lab, &yaml).await;
    let policies = parse(&yaml);
    let (jobs, runs) = (&policies[0]["spec"], &policies[1]["spec"]);
    for cronjob in [&CRONJOB[..], &["cronjob", "--image", "i:1"]] {
        let cronjob = parse(&printed(&lab, cronjob).await).remove(0);
        let labels = pod(&cronjob)["metadata"]["labels"].as_object().expect("labels").clone();
        let selects = |policy: &Value| {
            let wanted = policy["podSelector"]["matchLabels"].as_object().expect("labels");
            wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
        };
        assert!(selects(runs) && !selects(jobs), "{labels:?}");
    }
    let egress = runs["egress"].as_array().expect("a list");
    let bucket = egress.iter().find(|one| one["ports"][0]["port"] == 9000).expect("the bucket's port");
    let name = &bucket["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
    assert_eq!(name, "storage");
    assert!(egress.iter().any(|one| one["ports"][0]["port"] == 443), "the API server");
    assert_eq!(runs["ingress"], serde_json::json!([]));
    let jobs: Vec<&Value> = jobs["egress"].as_array().expect("a list").iter().collect();
    assert!(!jobs.iter().any(|one| one["ports"][0]["port"] == 9000), "no Job's Pod speaks to the bucket");
}
