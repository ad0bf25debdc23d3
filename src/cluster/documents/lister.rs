//! A Pod's document trees by one exec that lasts: listed, listed again, and where they may be written to, brought up to date.
use super::Side;
use super::pass::{first, watch, write};
use crate::cluster::Cluster;
use crate::cluster::exec::{self, Ended, Heard, Input, Output, PING, PodRef, Said};
use crate::documents::delta::Delta;
use crate::documents::frames::{Chunk, message};
use crate::documents::manifest::{Manifest, Parser};
use crate::documents::{LISTER_SCRIPT, MANIFEST_SCRIPT, RECEIVE_SCRIPT, SUMS_SCRIPT, meaning, sent};
use anyhow::{Context, Result, bail};
use kube::Client;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How one is begun, and begun again.
#[derive(Clone)]
struct Start {
    argv: Vec<String>,
    /// What it reads before anything else.
    texts: Vec<Vec<u8>>,
    /// What comes up to the first NUL is not of the list.
    preface: bool,
    /// Much goes in.
    receives: bool,
    /// Of its exit codes.
    meaning: fn(i32) -> Option<&'static str>,
}

/// A script that lists trees, and waits to be told to do it again. To drop it ends the connection, and with it the script.
pub struct Lister {
    client: Client,
    pub(super) pod: PodRef,
    pub(super) root: String,
    trees: Vec<String>,
    start: Start,
    input: Input,
    output: Output,
    heard: Instant,
}

/// What came of a beginning.
pub enum Begun {
    /// What the script said of its own, and the list.
    Listed(Vec<u8>, Manifest),
    /// There will be no list.
    Ended(Said),
}

impl Cluster {
    /// Lists one side's trees; with `receives` they can be brought up to date then.
    ///
    /// # Errors
    /// A connection that breaks; a directory that cannot be read.
    pub async fn lister(&self, side: Side<'_>, trees: &[String], receives: bool) -> Result<(Lister, Manifest)> {
        lister(&self.client, side, &crate::documents::trees(trees)?, receives).await
    }

    /// Opens an exec of a script that reads its texts first, and says something of its own up to a NUL before it lists the trees. It waits for
    /// the texts.
    ///
    /// # Errors
    /// A connection that breaks.
    pub async fn open_lister(
        &self,
        side: Side<'_>,
        trees: &[String],
        (argv, texts): (Vec<String>, Vec<Vec<u8>>),
        meaning: fn(i32) -> Option<&'static str>,
        receives: bool,
    ) -> Result<Opened> {
        let start = Start { argv, texts, preface: true, receives, meaning };
        Lister::open(&self.client, side, &crate::documents::trees(trees)?, start).await.map(Opened)
    }
}

/// One that waits for its texts, and does nothing before it has them.
pub struct Opened(Lister);

impl Opened {
    /// # Errors
    /// A connection that breaks; a list that cannot be read. That the script failed is no error here.
    pub async fn begin(self) -> Result<(Lister, Begun)> {
        let Self(mut lister) = self;
        match lister.is_fresh() {
            true => lister.give_texts().await?,
            false => lister.reconnect().await?,
        }
        let begun = lister.hear(true).await?;
        Ok((lister, begun))
    }
}

pub(super) async fn lister(
    client: &Client,
    side: Side<'_>,
    trees: &[String],
    receives: bool,
) -> Result<(Lister, Manifest)> {
    // A Pod that is only read never gets a text that could write.
    let receive = if receives { sent(RECEIVE_SCRIPT) } else { String::new() };
    let mut argv = vec!["sh".to_owned(), "-c".to_owned(), sent(LISTER_SCRIPT), "sh".to_owned()];
    argv.extend([sent(MANIFEST_SCRIPT), sent(SUMS_SCRIPT), receive, side.root.to_owned()]);
    argv.extend_from_slice(trees);
    let start = Start { argv, texts: Vec::new(), preface: false, receives, meaning };
    let listed = async {
        let mut lister = Lister::open(client, side, trees, start).await?;
        let begun = lister.hear(false).await?;
        lister.whole(begun).map(|manifest| (lister, manifest))
    };
    listed.await.with_context(|| format!("cannot list the documents of {} in {}", side.pod, side.root))
}

impl Lister {
    async fn open(client: &Client, side: Side<'_>, trees: &[String], start: Start) -> Result<Self> {
        let (client, pod, root) = (client.clone(), side.pod.clone(), side.root.to_owned());
        let (input, output) = connect(&client, &pod, &start).await?;
        Ok(Self { client, pod, root, trees: trees.to_vec(), start, input, output, heard: Instant::now() })
    }

    async fn give_texts(&mut self) -> Result<()> {
        if self.start.texts.is_empty() {
            return Ok(());
        }
        self.input.send(self.start.texts.clone()).await
    }

    async fn reconnect(&mut self) -> Result<()> {
        (self.input, self.output) = connect(&self.client, &self.pod, &self.start).await?;
        self.give_texts().await
    }

    /// What it told is news, and its connection can be relied on: some balancers cut one on which nothing moves.
    pub fn is_fresh(&self) -> bool {
        self.heard.elapsed() < PING
    }

    /// Begins anew, with another list: for one that has waited for long.
    async fn reopened(&mut self) -> Result<Manifest> {
        self.reconnect().await?;
        let begun = self.hear(self.start.preface).await?;
        self.whole(begun)
    }

    /// Lists the trees once more.
    ///
    /// # Errors
    /// A connection that breaks; a directory that cannot be read.
    pub(super) async fn again(&mut self) -> Result<Manifest> {
        let listed = async {
            if !self.is_fresh() {
                return self.reopened().await;
            }
            self.input.send(vec![message(b"list\n")]).await?;
            let begun = self.hear(false).await?;
            self.whole(begun)
        };
        let listed = listed.await;
        listed.with_context(|| format!("cannot list the documents of {} in {}", self.pod, self.root))
    }

    /// What it says up to a NUL to a word and what belongs to it.
    ///
    /// # Errors
    /// A connection that breaks; the script ends instead.
    pub async fn ask(&mut self, word: &str, more: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        if !self.is_fresh() {
            self.reopened().await?;
        }
        let Self { input, output, start, .. } = self;
        let speaking = async {
            input.send([vec![message(format!("{word}\n").as_bytes())], more].concat()).await?;
            input.keep_alive().await
        };
        let hearing = async {
            let mut answer = Vec::new();
            while answer.pop_if(|byte| *byte == 0).is_none() {
                match output.next().await? {
                    Heard::Stdout(bytes) => answer.extend_from_slice(&bytes),
                    Heard::Stderr(_) => {}
                    Heard::Ended(ended) => bail!(exec::failed(&ended, &output.last_words(), start.meaning)),
                }
            }
            Ok(answer)
        };
        let answer = first(hearing, speaking).await?;
        self.heard = Instant::now();
        Ok(answer)
    }

    /// Removes and writes what it is given, and lists the trees then.
    ///
    /// # Errors
    /// A connection that breaks; what cannot be removed, written or listed.
    pub(super) async fn receive(
        &mut self,
        old: &Manifest,
        delta: &Delta,
        from_source: mpsc::Receiver<Chunk>,
    ) -> Result<Manifest> {
        let received = async {
            if !self.is_fresh() {
                self.reopened().await?;
            }
            let list = first(watch(&mut self.output), write(&mut self.input, old, delta, from_source)).await?;
            self.heard = Instant::now();
            list.finish(&self.trees)
        };
        let received = received.await;
        received.with_context(|| format!("cannot write to {}", self.pod))
    }

    /// It is not needed any more. One that is not told sees its end, but of old servers and runtimes that is less sure.
    pub async fn end(mut self) {
        if let Err(error) = self.input.send(vec![message(b"end\n")]).await {
            tracing::debug!("{}: {error:#}", self.pod);
        }
    }

    /// Reads to the end of a list.
    async fn hear(&mut self, mut preface: bool) -> Result<Begun> {
        let (mut stdout, mut parser) = (Vec::new(), Parser::default());
        while !parser.is_whole() {
            match self.next().await? {
                Heard::Stdout(bytes) => {
                    let mut list = &bytes[..];
                    if preface {
                        let end = bytes.iter().position(|&byte| byte == 0);
                        stdout.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
                        list = end.map_or(&[], |end| &bytes[end + 1..]);
                        preface = end.is_none();
                    }
                    parser.feed(list)?;
                }
                Heard::Stderr(_) => {}
                Heard::Ended(ended) => {
                    return Ok(Begun::Ended(Said { stdout, stderr: self.output.last_words(), ended }));
                }
            }
        }
        self.heard = Instant::now();
        Ok(Begun::Listed(stdout, parser.finish(&self.trees)?))
    }

    fn whole(&self, begun: Begun) -> Result<Manifest> {
        match begun {
            Begun::Listed(_, manifest) => Ok(manifest),
            Begun::Ended(Said { ended: Ended::Code(0), .. }) => bail!("the list of files was cut"),
            Begun::Ended(said) => bail!(exec::failed(&said.ended, &said.stderr, self.start.meaning)),
        }
    }

    async fn next(&mut self) -> Result<Heard> {
        tokio::select! {
            heard = self.output.next() => heard,
            lost = self.input.keep_alive() => lost,
        }
    }
}

async fn connect(client: &Client, pod: &PodRef, start: &Start) -> Result<(Input, Output)> {
    let argv: Vec<&str> = start.argv.iter().map(String::as_str).collect();
    match start.receives {
        true => exec::stream(client, pod, &argv, true).await,
        false => exec::open(client, pod, &argv, true).await,
    }
}
