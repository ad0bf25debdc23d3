//! Runs a script of the Job as its container does, and reads what it tells.
use crate::support::postgres::{Access, PRODUCTION, PostgresServer, SANDBOX};
use sandbox_lifecycle::jobs::{DUMP, Event, RESTORE, Script, Word};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

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

/// What a container did.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Event>,
    pub(crate) output: String,
}

impl Ended {
    /// Asserts that it refused with this code, and gives reason and items.
    pub(crate) fn refused(&self, with: i32) -> String {
        assert_eq!(self.code, Some(with), "{self:?}");
        match self.events.last() {
            Some(Event::Refused { code, reason, items }) if *code == with => format!("{reason}\n{}", items.join("\n")),
            _ => panic!("no refusal: {self:?}"),
        }
    }

    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    pub(crate) fn told(&self, event: &Event) -> bool {
        self.events.contains(event)
    }
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
        fs::write(&path, format!("#!/bin/sh\nreal={}\n{body}\n", real(tool).display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        self
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

    fn start(&self, script: &Script, access: &Access) -> Running {
        let port = self.server.port().to_string();
        let path = format!("{}:{}", self.tools.path().display(), std::env::var("PATH").expect("PATH"));
        let mut command = match self.shell {
            Shell::Debian => Command::new("/bin/sh"),
            Shell::Busybox => Command::new(self.tools.path().join("sh")),
        };
        command.args(["-c", script.text]).env_clear().env("PATH", path).envs(script.files.iter().copied());
        let work = self.work.path();
        command.env("HOME", work).env("TMPDIR", work).env("SET_DIR", work).env("CREDENTIALS_DIR", "").current_dir("/");
        command.envs([("READS", "production"), ("SOURCE", "production"), ("SET_SHA256", "")]);
        command.envs([("FULL", ""), ("ONLINE", ""), ("WORDS", "")]);
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
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(messages);
        let mut child = command.spawn().expect("the shell runs");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Running { child, lines, work: work.to_owned(), events: Vec::new(), output: String::new() }
    }
}

/// A container at work.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
    work: PathBuf,
    events: Vec<Event>,
    output: String,
}

impl Running {
    /// Reads on until this event; false if the output ended without it.
    pub(crate) fn until(&mut self, event: &Event) -> bool {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("its output") > 0 {
            self.events.extend(Event::parse(line.trim_end()));
            self.output += &line;
            if self.events.last() == Some(event) {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Waits until it waits for this word, and says that one.
    pub(crate) fn answer(&mut self, awaited: Word, said: &str) {
        if self.until(&Event::Waiting { r#for: awaited }) {
            self.say(said);
        }
    }

    pub(crate) fn say(&self, word: &str) {
        fs::write(self.work.join("go"), format!("{word}\n")).expect("the FIFO go");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("its output");
        self.events.extend(rest.lines().filter_map(Event::parse));
        let code = self.child.wait().expect("its end").code();
        let messages = fs::read(self.work.join("messages")).expect("its messages");
        let output = format!("{}{rest}{}", self.output, String::from_utf8_lossy(&messages));
        Ended { code, events: self.events, output }
    }
}

fn real(tool: &str) -> PathBuf {
    let path = std::env::var("PATH").expect("PATH");
    let found = path.split(':').map(|directory| Path::new(directory).join(tool)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("no {tool} on PATH"))
}
