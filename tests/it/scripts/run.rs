//! Runs a script of the Job as its container does, and reads what it tells.
use crate::support::postgres::{Access, PRODUCTION, PostgresServer, SANDBOX};
use sandbox_lifecycle::jobs::{DIFF, DUMP, Event, RESTORE, Script, Word};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tempfile::TempDir;

/// A script that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(120);

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
            Some(Event::Refused { code, reason, items, .. }) if *code == with => {
                format!("{reason}\n{}", items.join("\n"))
            }
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
        self.resets();
        self.start(&DUMP, &SANDBOX).end()
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
        let mut child = command.spawn().expect("the shell runs");
        let lines = lines_of(BufReader::new(child.stdout.take().expect("piped")));
        let stdin = self.overrides.iter().any(|(name, value)| name == "WORDS" && value == "stdin");
        Running { child, lines, stdin, work: work.to_owned(), events: Vec::new(), output: String::new() }
    }
}

/// Line by line, in the background: so that a silence is noticed.
fn lines_of(mut output: impl BufRead + Send + 'static) -> Receiver<String> {
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            if tell.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    lines
}

/// A container at work.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
    /// Words go there, else to the FIFO.
    stdin: bool,
    work: PathBuf,
    events: Vec<Event>,
    output: String,
}

impl Running {
    /// Reads on until this event; false if the output ended without it.
    pub(crate) fn until(&mut self, event: &Event) -> bool {
        while let Some(line) = self.line() {
            let told = Event::parse(line.trim_end());
            let found = told.as_ref() == Some(event);
            self.events.extend(told);
            if found {
                return true;
            }
        }
        false
    }

    /// The next line of its output. A hang is a failure, with all that was said before.
    fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(SILENCE) {
            Ok(line) => {
                self.output += &line;
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let group = format!("-{}", self.child.id());
                let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
                panic!("it hangs: {}{}", self.output, self.messages());
            }
        }
    }

    fn messages(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.work.join("messages")).expect("its messages")).into_owned()
    }

    /// Waits until it waits for this word, and says that one.
    pub(crate) fn answer(&mut self, awaited: Word, said: &str) {
        if self.until(&Event::Waiting { r#for: awaited }) {
            self.say(said);
        }
    }

    pub(crate) fn say(&mut self, word: &str) {
        let word = format!("{word}\n");
        if !self.stdin {
            fs::write(self.work.join("go"), word).expect("the FIFO go");
        } else if let Some(input) = &mut self.child.stdin {
            // Where it has just ended, its output tells why.
            let _ = input.write_all(word.as_bytes());
        }
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        while let Some(line) = self.line() {
            self.events.extend(Event::parse(line.trim_end()));
        }
        let code = self.child.wait().expect("its end").code();
        let output = format!("{}{}", self.output, self.messages());
        Ended { code, events: self.events, output }
    }
}

fn real(tool: &str) -> PathBuf {
    let path = std::env::var("PATH").expect("PATH");
    let found = path.split(':').map(|directory| Path::new(directory).join(tool)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("no {tool} on PATH"))
}
