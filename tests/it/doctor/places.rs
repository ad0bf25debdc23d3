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
async fn a_deployment_at_0_is_told() {
    let lab = small().await;
    lab.change("applications", "argocd", SANDBOX, |app| app["spec"]["syncPolicy"] = json!({}));
    lab.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = json!(0));
    assert_line(&lab, &["refresh-from-prod"], "Deployment", "warning", &["replicas 0", "--replicas=1"]).await;
    let words = ["is at 0 replicas: no Pod has the documents", "sandbox-lifecycle recover` if a run", "--replicas=1"];
    assert_line(&lab, &[], "Deployment", "failed", &words).await;
}
