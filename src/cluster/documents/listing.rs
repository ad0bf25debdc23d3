//! What trees hold, as the Pods that have them say it.
use super::Side;
use crate::cluster::Cluster;
use crate::cluster::exec::{self, Heard, PodRef, Said};
use crate::documents::manifest::{Manifest, Parser};
use crate::documents::{MANIFEST_SCRIPT, meaning, sent};
use anyhow::{Context, Result, bail};
use kube::Client;

impl Cluster {
    /// What one side's trees hold.
    ///
    /// # Errors
    /// A connection that breaks; a directory that cannot be read.
    pub async fn list_documents(&self, side: Side<'_>, trees: &[String]) -> Result<Manifest> {
        list(&self.client, side, &crate::documents::trees(trees)?).await
    }

    /// Runs a script that says something of its own up to a NUL and lists trees then: what it said, and what came of the list.
    ///
    /// # Errors
    /// A connection that breaks; a list that cannot be read. That the script failed is no error here.
    pub async fn list_behind(&self, pod: &PodRef, argv: &[&str]) -> Result<(Said, Parser)> {
        listen(&self.client, pod, argv, true).await
    }
}

pub(super) async fn list_both(
    client: &Client,
    (source, target): (Side<'_>, Side<'_>),
    trees: &[String],
) -> Result<(Manifest, Manifest)> {
    let (new, old) = tokio::try_join!(list(client, source, trees), list(client, target, trees))?;
    has_all((source, target), &new)?;
    Ok((new, old))
}

/// What the source lacks would be removed from the target.
pub(super) fn has_all((source, target): (Side<'_>, Side<'_>), new: &Manifest) -> Result<()> {
    match new.missing.first() {
        Some(missing) => {
            bail!("{} has no {}/{missing}: nothing was removed in {}", source.pod, source.root, target.pod)
        }
        None => Ok(()),
    }
}

pub(super) async fn list(client: &Client, Side { pod, root }: Side<'_>, trees: &[String]) -> Result<Manifest> {
    let text = sent(MANIFEST_SCRIPT);
    let mut argv = vec!["sh", "-c", &text, "sh", root];
    argv.extend(trees.iter().map(String::as_str));
    let listed = async {
        let (said, parser) = listen(client, pod, &argv, false).await?;
        said.success(meaning)?;
        parser.finish(trees)
    };
    listed.await.with_context(|| format!("cannot list the documents of {pod} in {root}"))
}

/// With `preface` what comes up to the first NUL is not of the list.
async fn listen(client: &Client, pod: &PodRef, argv: &[&str], mut preface: bool) -> Result<(Said, Parser)> {
    let (mut input, mut output) = exec::open(client, pod, argv, false).await?;
    let (mut stdout, mut parser) = (Vec::new(), Parser::default());
    let listening = async {
        loop {
            match output.next().await? {
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
                Heard::Ended(ended) => return Ok(ended),
            }
        }
    };
    let ended = tokio::select! {
        ended = listening => ended,
        lost = input.keep_alive() => lost,
    }?;
    Ok((Said { stdout, stderr: output.last_words(), ended }, parser))
}
