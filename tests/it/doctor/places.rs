//! The application's Pods: programs, trees, room.
use super::*;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_the_programs_is_found_and_busybox_is_enough() {
    let lab = small().await;
    lab.redeploy(PROD, |spec| spec["containers"][0]["image"] = image::APP_BUSYBOX.into()).await;
    assert_well(&lab).await;
    lab.redeploy(SANDBOX, |spec| spec["containers"][0]["image"] = image::APP_BARE.into()).await;
    assert_line(
        &lab,
        &[],
        "documents",
        "failed",
        &["in the sandbox the container lacks find, tar", "GNU's or busybox's"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_is_not_there_or_cannot_be_written_is_found() {
    let lab = small().await;
    let missing = ["--documents-tree", "elsewhere"];
    assert_line(
        &lab,
        &missing,
        "documents",
        "failed",
        &["in production there is no directory", "/elsewhere", "--documents-tree"],
    )
    .await;
    // In the sandbox it will be made.
    let lines = says(&lab, &missing, "documents").await;
    assert!(lines.iter().any(|(state, line)| state == "ok" && line.contains("in the sandbox")), "{lines:?}");
    let root = lab.documents(SANDBOX);
    lab.redeploy(SANDBOX, |spec| spec["containers"][0]["volumeMounts"][0]["readOnly"] = true.into()).await;
    assert_line(
        &lab,
        &[],
        "documents",
        "failed",
        &["in the sandbox /var/www/documents/mycompany cannot be written to", "fsGroup"],
    )
    .await;
    assert!(std::fs::metadata(root).expect("it is there").permissions().mode() & 0o777 != 0, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_seen_is_not_called_well() {
    let lab = small().await;
    let nowhere = ["--documents-root", "/nosuch"];
    let words = ["in the sandbox there is no directory /nosuch", "--documents-root names"];
    assert_line(&lab, &nowhere, "documents", "warning", &words).await;
    let words = ["was not seen in production", "nor in the sandbox", "no file system of /nosuch"];
    assert_line(&lab, &nowhere, "space", "warning", &words).await;
    let lines = says(&lab, &["--documents-tree", "elsewhere"], "documents").await;
    assert!(lines.iter().any(|(_, line)| line.contains("elsewhere is not, and the run makes it")), "{lines:?}");
    let missing = ["--prod-deployment", "missing"];
    assert_line(&lab, &missing, "space", "warning", &["not seen in production, where no Pod was asked"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_containers_the_one_that_was_asked_is_named_and_how_to_ask_another() {
    let lab = small().await;
    lab.redeploy(PROD, |spec| {
        let containers = spec["containers"].as_array_mut().expect("a list");
        containers.insert(0, json!({"name": "proxy", "image": image::APP_BARE}));
    })
    .await;
    let words = ["in production the container proxy lacks find, tar", "--container names another", "it has app"];
    assert_line(&lab, &[], "documents", "failed", &words).await;
    let ran = lab.run(&["--dry-run", "sync-documents"]).await.assert_code(1);
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("  - ")).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("--container names another")), "{}", ran.stderr);
    assert_line(&lab, &["--container", "web"], "Deployment", "failed", &["no container web", "it has, proxy, app"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_at_0_is_told() {
    let lab = small().await;
    lab.change("applications", "argocd", SANDBOX, |app| app["spec"]["syncPolicy"] = json!({}));
    lab.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = json!(0));
    assert_line(&lab, &["refresh-from-prod"], "Deployment", "warning", &["replicas 0", "--replicas=1"]).await;
    let words = ["is at 0 replicas: no Pod has the documents", "sandbox-lifecycle recover` if a run", "--replicas=1"];
    assert_line(&lab, &[], "Deployment", "failed", &words).await;
}
