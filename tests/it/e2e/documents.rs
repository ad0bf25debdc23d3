//! Documents from Pod to Pod: equal afterwards, also after a cut and a second run.

use super::machinery::Machinery;
use super::sandbox::{Furnished, RealSandbox};
use crate::support::sandbox::{PROD, Ran, SANDBOX, finish};
use crate::support::scene::Scene;

/// Megabytes that take the tool long enough to be cut in the middle.
const LARGE: u32 = 1000;

/// Names of every kind, links, modes, and `$1` MB in files of 240 kB that do not compress.
const POPULATE: &str = r#"
cd /var/www/documents && rm -rf mycompany
mkdir -p mycompany/facture/2026 mycompany/empty "mycompany/with space/and
newline"
cd mycompany
for name in ./-rf 'é à.pdf' 'a
b' "quote'\"\$(x)" .hidden; do printf %s "$name" >"$name"; done
chmod 600 ./-rf
ln -s /etc/passwd outside
ln -s facture/2026 year
head -c "$1"M /dev/urandom | split -b 240k -a 4 -d - facture/2026/f
"#;

/// Everything below `$1` as find tells it, contents included.
const FINGERPRINT: &str = r"cd $1
find . \( -type d -printf '%y %m - %T@ %p\n' -o -printf '%y %m %s %T@ %p -> %l\n' \) | sort
find . -type f -print0 | sort -z | xargs -0 -r sha256sum";

impl Furnished {
    /// Runs a script in the application's Pod of the namespace.
    fn in_pod(&self, namespace: &str, script: &str, argument: &str) -> String {
        let deployment = format!("deployment/{namespace}");
        self.kubectl.run(&["-n", namespace, "exec", &deployment, "--", "bash", "-euc", script, "bash", argument])
    }

    /// Gives production documents, `megabytes` of them, and takes the sandbox's away.
    pub(crate) fn populate(&self, megabytes: u32) {
        self.in_pod(PROD, POPULATE, &megabytes.to_string());
        self.in_pod(SANDBOX, "rm -rf /var/www/documents/*", "");
    }

    fn fingerprint(&self, namespace: &str) -> String {
        self.in_pod(namespace, FINGERPRINT, "/var/www/documents/mycompany")
    }

    fn assert_same_documents(&self) {
        // Not assert_eq: the difference would be thousands of lines.
        assert!(self.fingerprint(PROD) == self.fingerprint(SANDBOX), "the trees differ");
    }
}

/// The second run sends what the first one did not, and no more.
async fn assert_mended(sandbox: &RealSandbox, cut: Ran) {
    assert_eq!(cut.code, 1, "{cut:?}");
    let cut = cut.assert_says("run it again");
    let report = sandbox.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
    let sent = report["documents"]["bytes"].as_u64().expect("bytes");
    assert!(sent < u64::from(LARGE) * 1_000_000, "all was sent again: {report} after {cut:?}");
    sandbox.assert_same_documents();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn the_trees_become_equal_and_a_second_sync_sends_nothing() {
    let sandbox = RealSandbox::new().await;
    sandbox.populate(50);
    sandbox.run(&["sync-documents"]).await.assert_code(0);
    sandbox.assert_same_documents();
    let again = sandbox.run(&["--output", "json", "sync-documents"]).await.assert_code(0).json();
    assert_eq!((&again["documents"]["files"], &again["documents"]["bytes"]), (&0.into(), &0.into()), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_gigabyte_that_is_cut_by_a_restarting_api_server_is_mended_by_the_next_run() {
    cut_by("kube-apiserver").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs E2E_KUBECONFIG"]
async fn a_gigabyte_that_is_cut_by_a_dying_kubelet_is_mended_by_the_next_run() {
    cut_by("kubelet").await;
}

async fn cut_by(process: &str) {
    let sandbox = RealSandbox::new().await;
    let Some(machinery) = Machinery::of(&sandbox.kubectl) else { return };
    sandbox.populate(LARGE);
    let child = sandbox.reach(&["sync-documents"], "MB sent").await;
    machinery.kill(process);
    let cut = finish(child).await;
    machinery.mend();
    assert_mended(&sandbox, cut).await;
    sandbox.populate(0);
}
