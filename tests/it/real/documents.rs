//! What lies in the documents trees of both applications.

use super::sandbox::Furnished;
use crate::support::sandbox::{PROD, SANDBOX};

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
        self.take_documents_away();
    }

    /// The sandbox's. What was written is on the disk then: it would be written at the expense of whatever is measured next.
    pub(crate) fn take_documents_away(&self) {
        self.in_pod(SANDBOX, "rm -rf /var/www/documents/*; sync", "");
    }

    /// Until so many megabytes of a copy under way have reached the sandbox's volume.
    pub(crate) fn wait_for_documents(&self, megabytes: u32) {
        const ARRIVED: &str = r#"until [ "$(du -sm /var/www/documents | cut -f1)" -ge "$1" ]; do sleep 0.1; done"#;
        self.in_pod(SANDBOX, ARRIVED, &megabytes.to_string());
    }

    fn fingerprint(&self, namespace: &str) -> String {
        self.in_pod(namespace, FINGERPRINT, "/var/www/documents/mycompany")
    }

    /// The sandbox's trees as a value.
    pub(crate) fn documents(&self) -> String {
        self.fingerprint(SANDBOX)
    }

    /// Changes the sandbox's, in each of the ways there are.
    pub(crate) fn rehearse_documents(&self) {
        self.in_pod(SANDBOX, "cd /var/www/documents/mycompany; echo new >new.pdf; echo other >.hidden; rm ./-rf", "");
    }

    pub(crate) fn assert_same_documents(&self) {
        // Not assert_eq: the difference would be thousands of lines.
        assert!(self.fingerprint(PROD) == self.fingerprint(SANDBOX), "the trees differ");
    }
}
