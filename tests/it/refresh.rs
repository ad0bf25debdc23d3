//! refresh-from-prod on the lab: the way through, the order of its writes, and what it never does.

use crate::support::container::process::Started;
use crate::support::leaks::leaks;
use crate::support::postgres::{PRODUCTION, PostgresServer, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_becomes_equal_to_production_and_everything_else_is_as_before() {
    let lab = Sandbox::new().await;
    let before = lab.world();
    assert_ne!(before.sandbox, before.production, "the fixture's sandbox is older");
    let ran = lab.run(&["--output", "json", "refresh-from-prod"]).await.assert_code(0);
    let after = lab.world();
    assert_eq!(after.sandbox, before.production);
    assert_eq!(after.production, before.production);
    assert_eq!(
        (&after.replicas, &after.sync_policy, &after.objects),
        (&before.replicas, &before.sync_policy, &before.objects)
    );
    let report = ran.json();
    assert_eq!(report["outcome"], "done");
    assert!(report["database"]["tables"].as_u64() >= Some(295), "{report}");
    assert!(report["downtime_seconds"].as_f64() > Some(0.0), "{report}");
    assert!(report["data_read_at"].is_string(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_dolibarr_dump_is_refreshed_where_it_is_at_hand() {
    let Some(production) = PostgresServer::real_dump_or_skipped() else { return };
    let lab = Sandbox::with(&production, &[]).await;
    let before = lab.world();
    lab.run(&["refresh-from-prod"]).await.assert_code(0);
    let after = lab.world();
    assert_eq!(after.sandbox, before.production);
    assert_eq!(after.production, before.production);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_come_in_the_order_that_protects_the_sandbox() {
    let lab = Sandbox::new().await;
    lab.run(&["refresh-from-prod"]).await.assert_code(0);
    let run = |line: &str| {
        // The run's id is random.
        let words = line.split(' ').map(|word| match word.strip_prefix("sandbox-refresh-") {
            Some(rest) if rest.ends_with("-source") => "COPY",
            Some(rest) if rest.contains('-') => "POD",
            Some(_) => "JOB",
            None => word,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let writes: Vec<String> = lab.api.record.writes().iter().map(|line| run(line)).collect();
    // What is about to be done is recorded beside the restore.
    let (records, writes): (Vec<&str>, Vec<&str>) = writes
        .iter()
        .map(String::as_str)
        .filter(|line| *line != "update leases sandbox-lifecycle")
        .partition(|line| line.contains("configmaps"));
    assert_eq!(records, ["create configmaps", "update configmaps sandbox-lifecycle"]);
    assert_eq!(
        writes,
        [
            "create leases",
            "create jobs",
            "create secrets",
            "patch applications erp-sandbox",
            "patch deployments/scale erp-sandbox",
            "get pods/exec POD",
            "get pods/exec POD",
            "patch deployments/scale erp-sandbox",
            "patch applications erp-sandbox",
            "delete secrets COPY",
            "delete jobs JOB",
            "delete leases sandbox-lifecycle",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_journalled_before_it_is_made() {
    let lab = Sandbox::new().await;
    lab.run(&["refresh-from-prod"]).await.assert_code(0);
    let mut journal = String::new();
    for seen in lab.api.record.all() {
        match seen.line().as_str() {
            "update leases sandbox-lifecycle" => {
                let written = &seen.body["metadata"]["annotations"]["sandbox-lifecycle/journal"];
                journal = written.as_str().unwrap_or_default().to_owned();
            }
            "create jobs" => assert!(journal.contains("delete-job"), "{journal}"),
            "create secrets" => assert!(journal.contains("delete-secret"), "{journal}"),
            "patch applications erp-sandbox" => assert!(journal.contains("resume-automated-sync"), "{journal}"),
            "patch deployments/scale erp-sandbox" => assert!(journal.contains("scale-to"), "{journal}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn self_heal_fights_a_scale_down_and_loses_only_because_it_is_paused() {
    let lab = Sandbox::new().await;
    // Without the pause it wins: this lab's Argo CD is a real opponent.
    lab.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = json!(0));
    lab.until("Argo CD has put the replicas back", || lab.controllers.argo.heals() > 0).await;
    lab.ready(SANDBOX).await;
    let heals = lab.controllers.argo.heals();
    lab.run(&["refresh-from-prod"]).await.assert_code(0);
    assert_eq!(lab.controllers.argo.heals(), heals, "nothing was left to heal");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provisioners_function_survives_untouched() {
    let lab = Sandbox::new().await;
    let identity = "SELECT oid, xmin, proowner, prosrc FROM pg_proc WHERE proname = 'user_lookup'";
    let before = lab.postgres.sql(ACCESS.database, identity);
    lab.run(&["refresh-from-prod"]).await.assert_code(0);
    assert_eq!(lab.postgres.sql(ACCESS.database, identity), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_found_at_0_is_left_at_0_and_said_so() {
    let lab = Sandbox::new().await;
    lab.change("applications", "argocd", SANDBOX, |app| {
        app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false)
    });
    lab.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = json!(0));
    let before = lab.world();
    lab.run(&["refresh-from-prod"]).await.assert_code(0).assert_says("left at 0");
    let after = lab.world();
    assert_eq!(after.sandbox, before.production);
    assert_eq!((after.replicas, after.sync_policy), (before.replicas, before.sync_policy));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_seen_anywhere_but_in_its_own_containers_environment() {
    let lab = Sandbox::new().await;
    let ran = lab.run(&["-vv", "refresh-from-prod"]).await.assert_code(0);
    assert_eq!(leaks(&lab, &ran), [""; 0]);
    for (access, container) in [(PRODUCTION, "/dump"), (ACCESS, "/restore")] {
        let has = |started: &Started| started.env.iter().any(|(_, value)| value == access.password);
        let started = lab.kubelet.started();
        assert!(started.iter().any(|started| started.place.ends_with(container) && has(started)), "{container}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_prints_every_object_and_changes_nothing() {
    let lab = Sandbox::new().await;
    std::fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("a tree");
    let ran = lab.run(&["--dry-run", "refresh"]).await.assert_code(0);
    for object in [
        "Lease erp-sandbox/sandbox-lifecycle",
        "Application argocd/erp-sandbox",
        "Deployment erp-sandbox/erp-sandbox",
        "ConfigMap erp-sandbox/sandbox-lifecycle",
    ] {
        assert!(ran.stdout.contains(object), "{object}: {}", ran.stdout);
    }
    // Both Pods are asked what they have.
    let writes = lab.api.record.writes();
    assert!(writes.iter().all(|line| line.starts_with("get pods/exec ")), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_a_dry_run_is_json_where_that_is_asked_for_also_when_something_is_in_the_way() {
    let lab = Sandbox::new().await;
    std::fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("a tree");
    let told = lab.run(&["--dry-run", "--output", "json", "refresh"]).await.assert_code(0).json();
    assert_eq!(
        (&told["command"], &told["dry_run"], &told["outcome"]),
        (&json!("refresh"), &json!(true), &json!("done"))
    );
    let steps = told["steps"].as_array().expect("the steps");
    assert_eq!((steps.len(), &steps[0]["title"]), (10, &json!("Start the Job")));
    assert!(steps.iter().all(|step| step["touches"][0].is_string()), "{told:#}");
    assert!(told["begins"].to_string().contains("create Lease") && told["ends"].to_string().contains("delete Lease"));
    let wrong = ["--dry-run", "--output", "json", "--sandbox-secret", "nosuch", "refresh"];
    let ran = lab.run(&wrong).await.assert_code(1);
    let told = ran.json();
    assert_eq!((&told["outcome"], told["steps"].as_array().map(Vec::len)), (&json!("failed"), Some(10)), "{told:#}");
    assert!(told["error"].as_str().is_some_and(|error| error.contains("erp-sandbox/nosuch")), "{told:#}");
    let usage = ["--dry-run", "--output", "json", "--prod-namespace", "A", "refresh"];
    assert_eq!(lab.run(&usage).await.assert_code(2).json()["outcome"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_production_that_could_write_are_told_and_refused_where_that_is_required() {
    let lab = Sandbox::with(&crate::support::postgres::Production::Small, &[]).await;
    let run = |more: &'static [&'static str]| {
        let arguments = [&["--min-tables", "10", "--output", "json", "refresh-from-prod"], more].concat();
        let lab = &lab;
        async move { lab.run(&arguments).await }
    };
    let before = lab.world();
    lab.api.record.clear();
    let refused = run(&["--require-read-only-role"]).await.assert_code(1);
    refused.assert_says("dump refused (exit code 17)").assert_says("it owns the database, by erp_role");
    assert_eq!(lab.world(), before);
    assert!(!lab.api.record.writes().iter().any(|line| line.contains("applications")), "it was not paused");
    let report = run(&[]).await.assert_code(0).json();
    assert!(report["production_writable"].to_string().contains("erp_role"), "{report:#}");
    // As `manifests vault` makes one.
    let login = PRODUCTION.user;
    lab.postgres.sql(
        "postgres",
        &format!("REVOKE erp_role FROM \"{login}\"; GRANT pg_read_all_data TO \"{login}\"; GRANT CONNECT ON DATABASE erp TO \"{login}\""),
    );
    let report = run(&["--require-read-only-role"]).await.assert_code(0).json();
    assert_eq!(report["production_writable"], json!([]));
}
