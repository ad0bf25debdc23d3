//! A second program in a running container: what `exec` starts.
//!
//! It joins the container's mounts, processes and host name, so that both see the same files and
//! FIFOs, and it dies with the container's first process, as the kernel has it.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::process::{self, Started};
use super::{Container, Exit, not_found};

/// Which of its streams the caller asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

/// A program on its way, its pipes in the caller's hands.
pub(crate) struct Entered {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

impl Entered {
    pub(crate) async fn ended(&mut self) -> Exit {
        let status = self.child.wait().await;
        let killed = std::os::unix::process::ExitStatusExt::from_raw(9);
        Exit::of(status.unwrap_or(killed))
    }
}

impl Container {
    /// Starts `argv` in the container. The error is the runtime's sentence.
    pub(crate) async fn enter(&self, argv: &[String], streams: Streams) -> Result<Entered, String> {
        const FAILED: &str = "OCI runtime exec failed: exec failed";
        let Some(program) = argv.first() else {
            return Err("you must specify at least one command for the container".to_owned());
        };
        if self.lacks(program) {
            return Err(format!("{FAILED}: {}", not_found(program)));
        }
        let spec = &self.0.spec;
        self.0.processes.record(Started {
            place: spec.place.clone(),
            by_exec: true,
            argv: argv.to_vec(),
            env: spec.env.clone(),
        });
        let failed = |why: io::Error| format!("{FAILED}: {why}");
        let mut child = process::spawn(self.entry(argv, streams)).await.map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Entered { child, stdin, stdout, stderr })
    }

    fn entry(&self, argv: &[String], streams: Streams) -> Command {
        let spec = &self.0.spec;
        let piped = |wanted: bool| {
            if wanted { Stdio::piped() } else { Stdio::null() }
        };
        let mut command = Command::new("/usr/bin/nsenter");
        command
            .arg(format!("--target={}", self.0.init))
            .args(["--mount", "--pid", "--ipc", "--uts", "--"])
            .args(spec.identity.become_it())
            .args(["/bin/sh", "-c", r#"cd -- "$0" && exec "$@""#])
            .arg(&spec.view.workdir)
            .args(argv)
            .env_clear()
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .stdin(piped(streams.stdin))
            .stdout(piped(streams.stdout))
            .stderr(piped(streams.stderr));
        command
    }

    /// Looked up in the container's own root. A link there points within the container, so it is
    /// not followed from here.
    fn lacks(&self, program: &str) -> bool {
        let root = Path::new("/proc").join(self.0.init.to_string()).join("root");
        let there = |path: &str| {
            let path = root.join(path.trim_start_matches('/'));
            std::fs::symlink_metadata(path).is_ok()
        };
        if program.starts_with('/') {
            return !there(program);
        }
        if program.contains('/') {
            return !there(&format!("{}/{program}", self.0.spec.view.workdir));
        }
        let env = &self.0.spec.env;
        let path = env.iter().find(|(name, _)| name == "PATH");
        let mut dirs = path.map_or("", |(_, value)| value.as_str()).split(':');
        !dirs.any(|dir| there(&format!("{dir}/{program}")))
    }
}
