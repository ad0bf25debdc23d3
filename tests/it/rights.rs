//! Which rights a run needs, on the lab.

use crate::cases;
use crate::support::readme;
use crate::support::sandbox::{PROD, Sandbox};
use crate::support::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_roles_are_enough_for_a_whole_refresh() {
    let lab = Sandbox::new().await;
    std::fs::create_dir(lab.documents(PROD).join("mycompany")).expect("a tree");
    lab.allow(&readme::rules());
    lab.run(&["refresh"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lacking_right_is_named_before_anything_is_changed() {
    let lab = Sandbox::new().await;
    std::fs::create_dir(lab.documents(PROD).join("mycompany")).expect("a tree");
    cases::a_lacking_right_is_named_before_anything_is_changed(&lab).await;
    let writes = lab.api.record.writes();
    assert!(writes.iter().all(|line| line.contains("pods/exec")), "it only looked: {writes:?}");
}
