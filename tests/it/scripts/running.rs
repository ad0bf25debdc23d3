//! A script of the Job at work: what it tells, what it is told, and how it ends.
use sandbox_lifecycle::jobs::{Event, Word};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A script that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(120);

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
    pub(super) fn new(mut child: Child, stdin: bool, work: &Path) -> Self {
        let lines = lines_of(BufReader::new(child.stdout.take().expect("piped")));
        Self { child, lines, stdin, work: work.to_owned(), events: Vec::new(), output: String::new() }
    }

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
