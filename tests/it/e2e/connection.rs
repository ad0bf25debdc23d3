//! A cluster that cannot be used: one clear sentence, exit code 1, nothing changed.

use crate::real::roles;
use crate::real::sandbox::RealSandbox;
use crate::support::sandbox::{Ran, SANDBOX, finish};
use crate::support::scene::Scene;
use serde_json::{Value, json};

impl RealSandbox {
    async fn run_with(&self, kubeconfig: &Value, arguments: &[&str]) -> Ran {
        let file = self.dir().join("other-kubeconfig");
        std::fs::write(&file, kubeconfig.to_string()).expect("a kubeconfig");
        finish(self.command(arguments).env("KUBECONFIG", file).spawn().expect("the binary starts")).await
    }
}

/// What is said at the end is one line.
fn assert_one_sentence(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 1, "{ran:?}");
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{}", ran.stderr);
    words.iter().for_each(|words| assert!(said[0].contains(words), "{words:?} is not said: {}", said[0]));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_cluster_that_cannot_be_used_is_told_in_one_sentence() {
    let sandbox = RealSandbox::new().await;
    let before = sandbox.world();
    let good = roles::with_user(&sandbox.kubectl, &json!({"token": roles::token(&sandbox.kubectl, None)}));

    let mut unreachable = good.clone();
    unreachable["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:9");
    let ran = sandbox.run_with(&unreachable, &["refresh"]).await;
    assert_one_sentence(&ran, &["the API server cannot be reached", "127.0.0.1:9", "Connection refused"]);

    let bound = json!({"kind": "Secret", "apiVersion": "v1", "name": "short-lived"});
    sandbox.kubectl.put(
        "create",
        &[json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": SANDBOX, "name": "short-lived"}})],
    );
    let token = roles::token(&sandbox.kubectl, Some(bound));
    sandbox.kubectl.run(&["-n", SANDBOX, "delete", "secret", "short-lived"]);
    let expired = roles::with_user(&sandbox.kubectl, &json!({"token": token}));
    let ran = sandbox.run_with(&expired, &["refresh"]).await;
    assert_one_sentence(&ran, &["does not accept the credentials", "expired token"]);

    let ran = sandbox.run_with(&good, &["--context", "nowhere", "refresh"]).await;
    assert_one_sentence(&ran, &["\"nowhere\""]);

    let ran = sandbox.run_with(&json!({}), &["refresh"]).await;
    assert_one_sentence(&ran, &["kubeconfig"]);
    assert_eq!(sandbox.world(), before);
}
