//! A container of the lab: a real process tree in a bubblewrap view of this machine.
//!
//! It has its own processes, mounts and host name, and the environment of its spec and no other;
//! the network is the host's, so that a PostgreSQL server on the loopback is "in the cluster".
//! Its first process is number 1 there, with all that means: a shell without a trap ignores TERM.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

pub(crate) mod enter;
mod first;
pub(crate) mod image;
pub(crate) mod log;
pub(crate) mod process;
pub(crate) mod view;

use first::First;
use log::Log;
use process::{Processes, Started};
use view::{Identity, View};

/// All that is needed to start one.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// `namespace/pod/container`.
    pub(crate) place: String,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) identity: Identity,
    pub(crate) view: View,
}

/// A container that was started; clones are the same one.
#[derive(Clone)]
pub(crate) struct Container(Arc<Inner>);

struct Inner {
    spec: Spec,
    processes: Processes,
    /// Its first process, as the host counts.
    init: u32,
    log: Log,
    ended: watch::Receiver<Option<Exit>>,
    /// Why it was killed, when the kernel would be asked ("OOMKilled").
    reason: Mutex<Option<&'static str>>,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    pub(crate) reason: &'static str,
}

impl Container {
    /// Starts it, and returns when its own program runs. The error is the runtime's sentence.
    pub(crate) async fn start(spec: Spec, processes: &Processes) -> Result<Self, String> {
        if let Some(refusal) = unstartable(&spec) {
            return Err(format!(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: {refusal}"
            ));
        }
        processes.record(Started {
            place: spec.place.clone(),
            by_exec: false,
            argv: spec.argv.clone(),
            env: spec.env.clone(),
        });
        let failed = |why: std::io::Error| format!("the lab cannot start a container: {why}");
        let mut first = First::begin(command(&spec), processes).await.map_err(failed)?;
        let log = Log::new();
        let output = first.output().map_err(failed)?;
        let filling = tokio::spawn({
            let log = log.clone();
            async move { log.fill(output).await }
        });
        let Some(init) = first.init() else {
            first.ended().await;
            let _ = filling.await;
            return Err(format!("the view cannot be made: {}", log.text().trim()));
        };
        first::settled(init).await;
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = first.ended().await;
            let _ = filling.await;
            tell.send_replace(Some(Exit::of(status)));
        });
        Ok(Self(Arc::new(Inner { spec, processes: processes.clone(), init, log, ended, reason: Mutex::default() })))
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        let exit = *self.0.ended.borrow();
        exit.map(|exit| self.explained(exit))
    }

    /// Until it has ended and all its output is in the log.
    pub(crate) async fn ended(&self) -> Exit {
        let mut ended = self.0.ended.clone();
        let exit = ended.wait_for(Option::is_some).await;
        // The sender is gone without a word only when the runtime is: report it as killed.
        let exit = exit.ok().and_then(|exit| *exit);
        self.explained(exit.unwrap_or(Exit::of(ExitStatus::from_raw(9))))
    }

    fn explained(&self, exit: Exit) -> Exit {
        let reason = self.0.reason.lock().unwrap_or_else(PoisonError::into_inner);
        Exit { reason: reason.unwrap_or(exit.reason), ..exit }
    }

    pub(crate) fn signal(&self, name: &str) {
        if self.exit().is_none() {
            process::signal(name, &[self.0.init]);
        }
    }

    /// As the kernel does to a container over its limit.
    pub(crate) fn kill_for(&self, reason: &'static str) {
        *self.0.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        self.signal("KILL");
    }
}

impl Exit {
    /// A signal is told as a shell tells it: 128 and its number.
    pub(crate) fn of(status: ExitStatus) -> Self {
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let code = code.unwrap_or(255);
        let reason = if code == 0 { "Completed" } else { "Error" };
        Self { code, reason }
    }
}

/// The child's output is one pipe for both streams, so that their lines keep their order; its
/// standard output is bwrap's report. Secrets stay off every argv: the environment is inherited.
fn command(spec: &Spec) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"exec /usr/bin/bwrap --json-status-fd 3 "$@" 3>&1 1>&2"#, "sh"])
        .args(spec.view.arguments())
        .args(spec.identity.become_it())
        .args(&spec.argv)
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    command
}

/// The runtime's sentence about a program that is not there.
fn unstartable(spec: &Spec) -> Option<String> {
    let program = spec.argv.first()?;
    let missing = if program.contains('/') {
        let mounted = spec.view.mounts.iter().any(|mount| Path::new(program).starts_with(&mount.target));
        !mounted && !is_there(spec, Path::new(program))
    } else {
        let path = spec.env.iter().find(|(name, _)| name == "PATH");
        let mut dirs = path.map_or("", |(_, value)| value.as_str()).split(':');
        !dirs.any(|dir| is_there(spec, &Path::new(dir).join(program)))
    };
    missing.then(|| not_found(program))
}

/// The image's replacements lie over the host's programs.
fn is_there(spec: &Spec, place: &Path) -> bool {
    let mask = spec.view.masks.iter().find(|(_, dir)| place.parent() == Some(Path::new(dir)));
    match (mask, place.file_name()) {
        (Some((mask, _)), Some(name)) => std::fs::symlink_metadata(mask.join(name)).is_ok(),
        _ => std::fs::metadata(place).is_ok(),
    }
}

pub(crate) fn not_found(program: &str) -> String {
    let why = if program.contains('/') {
        format!("stat {program}: no such file or directory")
    } else {
        "executable file not found in $PATH".to_owned()
    };
    format!("runc create failed: unable to start container process: exec: \"{program}\": {why}: unknown")
}
