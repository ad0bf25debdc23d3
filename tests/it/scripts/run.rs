//! Runs a script of the Job as its container does, and reads what it tells.
use crate::support::postgres::{Access, PRODUCTION, PostgresServer, SANDBOX};
use sandbox_lifecycle::golden::manifest::sha256;
use sandbox_lifecycle::jobs::{DIFF, DUMP, RESTORE, Script, Word};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

// By its path, since the bench includes this file by its own.
#[path = "running.rs"]
mod running;
pub(crate) use running::{Ended, Running};

/// The shells of the two image families, `postgres:NN` and `postgres:NN-alpine`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shell {
    Debian,
    Busybox,
}

impl Shell {
    /// Those that this machine has.
    pub(crate) fn all() -> Vec<Self> {
        let busybox = Command::new("busybox").arg("true").status().is_ok_and(|status| status.success());
        if busybox { vec![Self::Debian, Self::Busybox] } else { vec![Self::Debian] }
    }
}

/// A Job's volume, with what its containers get.
pub(crate) struct Job<'a> {
    pub(crate) server: &'a PostgresServer,
    pub(crate) work: TempDir,
    tools: TempDir,
    shell: Shell,
    overrides: Vec<(String, String)>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(server: &'a PostgresServer) -> Self {
        Self::under(server, Shell::Debian)
    }

    pub(crate) fn under(server: &'a PostgresServer, shell: Shell) -> Self {
        let directory =
            || tempfile::Builder::new().prefix("sandbox-lifecycle-job-").tempdir().expect("a temporary directory");
        let job = Self { server, work: directory(), tools: directory(), shell, overrides: Vec::new() };
        if shell == Shell::Busybox {
            let installed =
                Command::new("busybox").args(["--install", "-s"]).arg(job.tools.path()).status().expect("busybox runs");
            assert!(installed.success());
        }
        job
    }

    /// Another value for a variable of the environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.overrides.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a stand-in for a tool first on PATH. In it, `"$real"` is the tool itself.
    pub(crate) fn stand_in(&mut self, tool: &str, body: &str) -> &mut Self {
        let path = self.tools.path().join(tool);
        let real = match path.is_symlink() {
            true => self.set_aside(tool),
            false => real(tool),
        };
        fs::write(&path, format!("#!/bin/sh\nreal={}\n{body}\n", real.display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        self
    }

    /// Busybox's link moves, and keeps its name: what was written to it would go through it.
    fn set_aside(&self, tool: &str) -> PathBuf {
        let aside = self.tools.path().join("real");
        fs::create_dir_all(&aside).expect("a directory");
        let real = aside.join(tool);
        fs::rename(self.tools.path().join(tool), &real).expect("the link moves");
        real
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    pub(crate) fn dump(&self) -> Ended {
        self.start(&DUMP, &PRODUCTION).end()
    }

    /// Lets it go and lets it commit.
    pub(crate) fn restore(&self) -> Ended {
        let mut running = self.start_restore();
        running.answer(Word::Restore, "restore");
        running.answer(Word::Commit, "commit");
        running.end()
    }

    pub(crate) fn start_restore(&self) -> Running {
        self.start(&RESTORE, &SANDBOX)
    }

    /// A set of the sandbox itself; from here on the job restores it as such, with the application connected.
    pub(crate) fn checkpoint(&mut self) -> Ended {
        self.start_checkpoint().end()
    }

    pub(crate) fn start_checkpoint(&mut self) -> Running {
        self.resets();
        self.start(&DUMP, &SANDBOX)
    }

    /// As golden-begin.sh leaves what the set has for the one after it.
    pub(crate) fn lend(&self) {
        let base = if self.file("source.base").exists() { "source.base" } else { "source.manifest" };
        for (is, name) in [("source.dump", "former.dump"), (base, "former.base")] {
            fs::hard_link(self.file(is), self.file(name)).expect("a link");
        }
        for (is, name) in [("source.manifest", "former.manifest"), ("stamp", "former.stamp")] {
            fs::copy(self.file(is), self.file(name)).expect("it is there");
        }
        let sum = sha256(&fs::read(self.file("source.dump")).expect("a dump"));
        fs::write(self.file("former.sum"), format!("{sum}\n")).expect("written");
    }

    /// As after `checkpoint`, with the volume of another job.
    pub(crate) fn goes_on_in(&mut self, work: TempDir) {
        self.work = work;
        self.resets();
    }

    fn resets(&mut self) {
        self.set("READS", "the sandbox").set("MIN_TABLES", "0").set("SOURCE", "checkpoint").set("ONLINE", "1");
        let stamp = self.file("stamp").display().to_string();
        self.set("WORDS", "stdin").set("STAMP", &stamp);
    }

    pub(crate) fn diff(&self) -> Ended {
        self.start(&DIFF, &SANDBOX).end()
    }

    fn start(&self, script: &Script, access: &Access) -> Running {
        self.start_text(script.text, script, access)
    }

    /// The restore with another text in its place.
    pub(crate) fn start_restore_of(&self, text: &str) -> Running {
        self.start_text(text, &RESTORE, &SANDBOX)
    }

    fn start_text(&self, text: &str, script: &Script, access: &Access) -> Running {
        let port = self.server.port().to_string();
        let path = format!("{}:{}", self.tools.path().display(), std::env::var("PATH").expect("PATH"));
        let mut command = match self.shell {
            Shell::Debian => Command::new("/bin/sh"),
            Shell::Busybox => Command::new(self.tools.path().join("sh")),
        };
        command.args(["-c", text]).env_clear().env("PATH", path).envs(script.files.iter().copied());
        let work = self.work.path();
        command.env("HOME", work).env("TMPDIR", work).env("SET_DIR", work).env("CREDENTIALS_DIR", "").current_dir("/");
        command.envs([
            ("READS", "production"),
            ("ROOM_SH", ""),
            ("SOURCE", "production"),
            ("SET_SHA256", ""),
            ("STAMP", ""),
            ("PRODUCTION", ""),
        ]);
        command.envs([("FULL", ""), ("ONLINE", ""), ("WORDS", ""), ("ROWS", "")]);
        command.envs([
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGDATABASE", access.database),
            ("PGUSER", access.user),
        ]);
        command.envs([
            ("PGPASSWORD", access.password),
            ("PGCONNECT_TIMEOUT", "10"),
            ("PGAPPNAME", "sandbox-lifecycle/test"),
        ]);
        command.envs([("TABLE_PREFIX", "llx_"), ("MIN_TABLES", "250"), ("SKIP_FUNCTIONS", "user_lookup")]);
        command.envs([("SANDBOX_ROLE", "erp_sandbox_role"), ("SOURCE_DATABASE", "erp")]);
        command.envs([("LOCK_TIMEOUT", "1s"), ("SESSION_GRACE_SECONDS", "1")]);
        command.envs(self.overrides.iter().map(|(name, value)| (name, value)));
        let messages = fs::File::create(self.file("messages")).expect("a file");
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(messages);
        let child = command.spawn().expect("the shell runs");
        let stdin = self.overrides.iter().any(|(name, value)| name == "WORDS" && value == "stdin");
        Running::new(child, stdin, work)
    }
}

fn real(tool: &str) -> PathBuf {
    let path = std::env::var("PATH").expect("PATH");
    let found = path.split(':').map(|directory| Path::new(directory).join(tool)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("no {tool} on PATH"))
}
