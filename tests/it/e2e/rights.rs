//! Which rights a run needs.

use crate::cases;
use crate::real::sandbox::RealSandbox;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_lacking_right_is_named_before_anything_is_changed() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(1);
    cases::a_lacking_right_is_named_before_anything_is_changed(&sandbox).await;
}
