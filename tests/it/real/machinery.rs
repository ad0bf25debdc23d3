//! The processes of the cluster itself, where they are ours to kill: a single node whose processes run on this machine,
//! brought up by `../shared/cluster/up` under `$CLUSTER_DIR`. Elsewhere the cases that need them do nothing.

use super::kubectl::Kubectl;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Brings up whatever of the cluster does not run.
const UP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/cluster/up");

pub(crate) struct Machinery {
    directory: PathBuf,
}

impl Machinery {
    /// That of the cluster that kubectl uses.
    pub(crate) fn of(kubectl: &Kubectl) -> Option<Self> {
        let directory = std::env::var_os("CLUSTER_DIR").map(PathBuf::from)?;
        let ours = kubectl.kubeconfig() == directory.join("admin.kubeconfig") && directory.join("run").exists();
        ours.then_some(Self { directory })
    }

    /// As a crash would: at once, with every connection.
    pub(crate) fn kill(&self, process: &str) {
        // "PID START-TIME"
        let about = std::fs::read_to_string(self.directory.join(format!("run/{process}.pid"))).expect("it runs");
        let pid = about.split(' ').next().expect("a process id");
        assert!(Command::new("kill").args(["-9", pid]).status().expect("kill runs").success());
    }

    /// Until the node is Ready again.
    pub(crate) fn mend(&self) {
        // No pipes: the daemons would inherit them and hold them open.
        let mut up = Command::new(UP);
        let up =
            up.env("CLUSTER_DIR", &self.directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(up.status().expect("it runs").success(), "{UP} failed");
    }
}
