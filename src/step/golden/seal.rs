//! A checkpoint is completed: measured, and put in the place of the one before.
use super::advice;
use super::conversation::Place;
use super::documents::Sums;
use super::save::{copied, discarded, documents};
use crate::cluster::exec::{Ended, Said, failed};
use crate::cluster::talk::{Spoken, Talk};
use crate::golden::manifest::Checkpoint;
use crate::golden::scripts::{MEASURED, SEAL, TAKEN_OVER_DAMAGED, meaning};
use crate::golden::{set, shelf};
use crate::step::Context;
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use std::time::Duration;
use tokio::time::timeout;

/// A volume whose files are not read, or brought to the disk, in such a time hangs.
const LIMIT: Duration = Duration::from_secs(3600);

/// Only now does the name mean the new set.
pub(super) async fn seal(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let (mut checkpoint, mut dump) = cx.golden.saved.take().context("a bug: nothing was saved")?;
    let set = set(&checkpoint.name, cx.run);
    let ready = async {
        dump.ends(cx.report).await.context("cannot save the database")?;
        let (sums, script) = measured(cx, place, dump.next_script(), &set, &mut checkpoint).await?;
        let line = manifest(&mut checkpoint, &sums)?;
        cx.guard.prove_lease().await?;
        Ok((line, script))
    };
    let (line, script) = match ready.await {
        Ok(ready) => ready,
        Err(error) => return Err(discarded(place, &set, error).await),
    };
    let name = &checkpoint.name;
    let left = completed(script, &line).await.map_err(advice::on_room).with_context(|| {
        format!(
            "checkpoint {name} was not completed: it is the former one or the new one, whole; \
             mend what follows and take it again"
        )
    })?;
    let left = String::from_utf8_lossy(&left).trim().to_owned();
    if !left.is_empty() {
        cx.warn(format!(
            "the former checkpoint could not be removed from the volume ({left}); the next one tries again"
        ));
    }
    cx.summary.rehearsal.taken = true;
    cx.summary.rehearsal.checkpoint = Some(checkpoint);
    Ok(())
}

/// Completes what is said of the set, and gives the line that makes it one.
fn manifest(checkpoint: &mut Checkpoint, measured: &[u8]) -> Result<String> {
    checkpoint.files = shelf::sums(measured);
    checkpoint.bytes = shelf::bytes(measured) + checkpoint.documents.bytes;
    ensure!(checkpoint.files.len() > Sums::OWN_FILES, "the set is not as it was written");
    checkpoint.seal().context("cannot write the manifest")
}

/// The sums and sizes of all there is, and the script that has told them and waits for the manifest. Documents that the newest checkpoint did
/// not have any more as it had saved them are brought anew.
async fn measured(
    cx: &mut Context<'_>,
    place: Place<'_>,
    script: Talk,
    set: &str,
    checkpoint: &mut Checkpoint,
) -> Result<(Vec<u8>, Talk)> {
    let said = match begin(script).await? {
        Ok(measured) => return Ok(measured),
        Err(said) => said,
    };
    if said.ended != Ended::Code(TAKEN_OVER_DAMAGED) {
        return Err(unmeasured(said));
    }
    let odd = String::from_utf8_lossy(&said.stdout);
    let name =
        odd.lines().find_map(|line| Some(line.split_once("  ")?.1)).unwrap_or("one of its documents, or their list,");
    cx.warn(format!("the newest checkpoint is damaged: {name} is not what was saved, so all documents are saved anew"));
    let copied = copied(cx, place, set).await?;
    checkpoint.documents = documents(cx, &copied)?;
    let env = [("SET", set), ("NAME", &checkpoint.name)];
    let script = place.start((SEAL.name, SEAL.text), SEAL.files, &env, false).await?;
    begin(script).await?.map_err(unmeasured)
}

fn unmeasured(said: Said) -> Error {
    anyhow!("cannot measure what was saved: {}", failed(&said.ended, &said.stderr, meaning))
}

/// Lets the script begin. If it does not come to wait for the manifest: how it ended.
async fn begin(mut script: Talk) -> Result<Result<(Vec<u8>, Talk), Said>> {
    script.say("go").await?;
    Ok(match listen(&mut script).await? {
        (sums, None) => Ok((sums, script)),
        (stdout, Some(ended)) => Err(Said { stdout, stderr: script.last_words(), ended }),
    })
}

/// What could not be removed then.
async fn completed(mut script: Talk, manifest: &str) -> Result<Vec<u8>> {
    script.say(manifest).await?;
    let (stdout, ended) = listen(&mut script).await?;
    let ended = ended.context("it was measured twice")?;
    Said { stdout, stderr: script.last_words(), ended }.success(meaning)
}

/// What it says until it has measured, or to its end.
async fn listen(script: &mut Talk) -> Result<(Vec<u8>, Option<Ended>)> {
    let listening = async {
        let mut said = Vec::new();
        loop {
            match script.next().await? {
                Spoken::Line(line) if line == MEASURED => return Ok((said, None)),
                Spoken::Line(line) => said.extend([line.as_bytes(), b"\n"].concat()),
                Spoken::Ended(ended) => return Ok((said, Some(ended))),
            }
        }
    };
    timeout(LIMIT, listening).await.context("the golden volume has not done it within an hour: is it all right?")?
}
