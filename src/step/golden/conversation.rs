//! A database script in the golden Pod: what it tells, what it is told, and why it failed.
use super::advice::Unreached;
use crate::cluster::Cluster;
use crate::cluster::exec::{Ended, PodRef};
use crate::cluster::talk::{Spoken, Talk};
use crate::documents::frames::messages;
use crate::golden::scripts::{self, NEXT_BEGINS, command_line, texts};
use crate::jobs::{self, Event, Script, Word};
use crate::report::{self, Report};
use anyhow::{Context as _, Error, Result, anyhow, bail};
use std::collections::VecDeque;

/// The last lines that a failure is told with.
const TAIL: usize = 8;

/// Where and for which run scripts are started.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub cluster: &'a Cluster,
    pub pod: &'a PodRef,
    pub run: &'a str,
}

impl Place<'_> {
    /// An exec's command: the script of this name, whose texts it reads first, with these values in its environment.
    pub(super) fn command(self, name: &str, env: &[(&str, &str)], gated: bool) -> Vec<String> {
        let mut argv = vec!["env".to_owned()];
        argv.push(format!("PGAPPNAME=sandbox-lifecycle/{}", self.run));
        argv.push(format!("TMPDIR=/work/{}.{name}", self.run));
        argv.extend(env.iter().map(|(name, value)| format!("{name}={value}")));
        argv.extend(["sh".to_owned(), "-c".to_owned(), command_line(gated)]);
        argv
    }

    /// Starts the script of this name and gives it its texts. With `gated` it does nothing before the word `go`.
    pub(super) async fn start(
        self,
        (name, text): (&str, &str),
        files: &[(&str, &str)],
        env: &[(&str, &str)],
        gated: bool,
    ) -> Result<Talk> {
        let argv = self.command(name, env, gated);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let mut talk = self.cluster.talk(self.pod, &argv).await?;
        talk.give(messages(&texts(text, files))).await?;
        Ok(talk)
    }
}

/// A script that runs.
pub(super) struct Conversation {
    talk: Talk,
    script: &'static Script,
    tail: VecDeque<String>,
    /// With which exit code, and why.
    refused: Option<(i32, String, Vec<String>)>,
}

impl Conversation {
    /// Starts a script that only listens to its environment, and gives it these texts beside its own.
    pub(super) async fn begin(
        place: Place<'_>,
        script: &'static Script,
        env: &[(&str, &str)],
        more: &[(&str, &str)],
    ) -> Result<Self> {
        let files = [script.files, more].concat();
        let mut conversation = Self::start(place, script, env, &files, true).await?;
        conversation.talk.say("go").await.with_context(|| format!("cannot start {}", script.name))?;
        Ok(conversation)
    }

    /// Starts a script that waits for words; it does nothing without them, so it needs no other gate.
    pub(super) async fn open(place: Place<'_>, script: &'static Script, env: &[(&str, &str)]) -> Result<Self> {
        Self::start(place, script, env, script.files, false).await
    }

    async fn start(
        place: Place<'_>,
        script: &'static Script,
        env: &[(&str, &str)],
        files: &[(&str, &str)],
        gated: bool,
    ) -> Result<Self> {
        let talk = place.start((script.name, script.text), files, env, gated).await?;
        Ok(Self { talk, script, tail: VecDeque::new(), refused: None })
    }

    pub(super) async fn say(&mut self, word: Word) -> Result<()> {
        self.talk.say(word.line()).await
    }

    /// The next event; `None` when it has ended well, and also where another one runs next.
    ///
    /// # Errors
    /// It failed, in a sentence with its last lines; the connection is lost.
    pub(super) async fn next(&mut self, report: &dyn Report) -> Result<Option<Event>> {
        loop {
            match self.talk.next().await? {
                Spoken::Line(line) if line == NEXT_BEGINS => return Ok(None),
                Spoken::Line(line) => match Event::read(&line) {
                    // A row that cannot be read is not left out as if it did not differ.
                    Err(damaged) => bail!("{} told {damaged}", self.script.name),
                    Ok(Some(Event::Refused { code, reason, items, .. })) => {
                        report.event(report::Event::Log { line: &line });
                        self.refused = Some((code, reason, items));
                    }
                    Ok(Some(event)) => return Ok(Some(event)),
                    Ok(None) => {
                        report.event(report::Event::Log { line: &line });
                        self.tail.push_back(line);
                        if self.tail.len() > TAIL {
                            self.tail.pop_front();
                        }
                    }
                },
                Spoken::Ended(Ended::Code(0)) => return Ok(None),
                Spoken::Ended(ended) => return Err(self.why(&ended)),
            }
        }
    }

    /// Reads on until it waits for `word`; what comes before is for `heard`. A word it asks for again it gets again.
    ///
    /// # Errors
    /// It ends before.
    pub(super) async fn waits_for(
        &mut self,
        word: Word,
        report: &dyn Report,
        mut heard: impl FnMut(&Event),
    ) -> Result<()> {
        while let Some(event) = self.next(report).await? {
            match event {
                Event::Waiting { r#for } if r#for == word => return Ok(()),
                Event::Waiting { r#for } => self.say(r#for).await?,
                event => heard(&event),
            }
        }
        bail!("{} ended before it was told to {word:?}", self.script.name)
    }

    /// Listens to its end; what it tells until then is no longer news.
    ///
    /// # Errors
    /// As [`Conversation::next`].
    pub(super) async fn ends(&mut self, report: &dyn Report) -> Result<()> {
        while self.next(report).await?.is_some() {}
        Ok(())
    }

    /// For the script that runs next.
    pub(super) fn next_script(self) -> Talk {
        self.talk
    }

    /// Whether the script itself has said that nothing was committed.
    pub(super) fn rolled_back(&self) -> bool {
        self.refused.as_ref().is_some_and(|(code, ..)| *code != jobs::FATE_UNKNOWN)
    }

    fn why(&self, ended: &Ended) -> Error {
        let name = self.script.name;
        let code = match ended {
            Ended::Code(code) => *code,
            Ended::Failed(why) => return anyhow!("{name} could not be run: {why}"),
        };
        if let Some((_, reason, items)) = &self.refused {
            let sentence = self.script.refused(code, reason, items);
            return if jobs::is_unreached(code) { Unreached(sentence).into() } else { anyhow!(sentence) };
        }
        let meaning = self.script.meaning(code).or_else(|| scripts::meaning(code)).unwrap_or("for a reason of its own");
        let said = self.talk.last_words();
        let last: Vec<&str> = said.lines().rev().take(TAIL).collect::<Vec<_>>().into_iter().rev().collect();
        let tail = self.tail.iter().map(String::as_str).chain(last).collect::<Vec<_>>().join(" / ");
        let tail = if tail.is_empty() { tail } else { format!("; its last lines: {tail}") };
        anyhow!("{name} failed (exit code {code}): {meaning}{tail}")
    }
}
