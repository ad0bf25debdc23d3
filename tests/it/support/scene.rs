//! What a case needs of the world it happens in, so that it can be told of the lab and of a real cluster.

use super::readme::Rule;
use super::sandbox::{Ran, SANDBOX, Sandbox, World, finish};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// A production, a sandbox, and the binary told where they are.
pub(crate) trait Scene {
    /// The real binary with these arguments.
    fn command(&self, arguments: &[&str]) -> Command;

    /// Everything that a run may change.
    fn world(&self) -> World;

    /// Waits until the sandbox is Ready again.
    async fn up_again(&self);

    /// Scales the sandbox behind the tool's back.
    fn scale(&self, replicas: i32);

    /// Lets the Lease run out, as it does 30 s after its holder was killed.
    fn expire_lease(&self);

    /// From now on the binary's credentials allow this and nothing else.
    fn allow(&self, rules: &[Rule]);

    /// Runs the binary to its end.
    async fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().expect("the binary starts")).await
    }

    /// Starts it and waits until its stderr has a line with these words.
    async fn reach(&self, arguments: &[&str], words: &str) -> Midway {
        let mut child = self.command(arguments).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.expect("readable") {
            said.push_str(&line);
            said.push('\n');
            if line.contains(words) {
                // Somebody must go on reading, or the binary would block or see a closed pipe.
                let rest = tokio::spawn(async move {
                    while let Ok(Some(line)) = lines.next_line().await {
                        said.push_str(&line);
                        said.push('\n');
                    }
                    said
                });
                return Midway { child, stderr: rest };
            }
        }
        panic!("{words:?} was not said:\n{said}");
    }
}

/// The binary in the middle of its work.
pub(crate) struct Midway {
    child: Child,
    stderr: JoinHandle<String>,
}

impl Midway {
    /// Sends the signal by its name, as an operator would.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end, and gives all that it said from its start.
    pub(crate) async fn end(self) -> Ran {
        let ran = finish(self.child).await;
        Ran { stderr: self.stderr.await.expect("it was read"), ..ran }
    }
}

impl Scene for Sandbox {
    fn command(&self, arguments: &[&str]) -> Command {
        Self::command(self, arguments)
    }

    fn world(&self) -> World {
        Self::world(self)
    }

    async fn up_again(&self) {
        self.ready(SANDBOX).await;
    }

    fn scale(&self, replicas: i32) {
        self.change("deployments", SANDBOX, SANDBOX, |deployment| deployment["spec"]["replicas"] = replicas.into());
    }

    fn expire_lease(&self) {
        self.change("leases", SANDBOX, "sandbox-lifecycle", |lease| lease["spec"]["leaseDurationSeconds"] = 1.into());
    }

    fn allow(&self, rules: &[Rule]) {
        self.api.set(|settings| settings.rights = Some(rules.iter().flat_map(Rule::rights).collect()));
    }
}

impl World {
    /// Nothing is left of the run; the sandbox is the old one, or equal to production.
    pub(crate) fn assert_whole_since(&self, before: &World) {
        assert_eq!(self.production, before.production, "production was changed");
        let old_or_new = self.sandbox == before.sandbox || self.sandbox == before.production;
        assert!(old_or_new, "the sandbox is neither the old nor the new one");
        self.assert_same_surroundings(before);
    }

    pub(crate) fn assert_same_surroundings(&self, before: &World) {
        assert_eq!(
            (&self.replicas, &self.sync_policy, &self.objects),
            (&before.replicas, &before.sync_policy, &before.objects)
        );
    }
}
