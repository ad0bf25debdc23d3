//! A checkpoint is completed: measured, and put in the place of the one before.
use super::conversation::Place;
use super::documents::Sums;
use super::save::{copied, discarded, documents};
use super::shelf::{order, tell};
use crate::cluster::exec::Ended;
use crate::golden::manifest::Checkpoint;
use crate::golden::scripts::{MEASURE, SEAL, TAKEN_OVER_DAMAGED, meaning};
use crate::golden::{set, shelf};
use crate::step::Context;
use anyhow::{Context as _, Result, ensure};

/// Only now does the name mean the new set.
pub(super) async fn seal(cx: &mut Context<'_>) -> Result<()> {
    let pod = cx.golden_pod()?;
    let place = Place { cluster: cx.cluster, pod: &pod, run: cx.run };
    let (mut checkpoint, mut dump) = cx.golden.saved.take().context("a bug: nothing was saved")?;
    let set = set(&checkpoint.name, cx.run);
    let report = cx.report;
    let ended = async { dump.ends(report).await.context("cannot save the database") };
    let line = match tokio::try_join!(manifest(cx, place, &set, &mut checkpoint), ended).map(|(line, ())| line) {
        Ok(line) => line,
        Err(error) => return Err(discarded(place, &set, error).await),
    };
    let sealed = order(place, SEAL, &[("SET", &set), ("NAME", &checkpoint.name)], &format!("{line}\n")).await;
    let left = match sealed {
        Ok(left) => left,
        Err(error) => {
            let name = &checkpoint.name;
            return Err(error
                .context(format!("checkpoint {name} was not completed: it is the former one or the new one, whole")));
        }
    };
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
async fn manifest(cx: &mut Context<'_>, place: Place<'_>, set: &str, checkpoint: &mut Checkpoint) -> Result<String> {
    let measured = measured(cx, place, set, checkpoint).await?;
    checkpoint.files = shelf::sums(&measured);
    checkpoint.bytes = shelf::bytes(&measured) + checkpoint.documents.bytes;
    ensure!(checkpoint.files.len() > Sums::OWN_FILES, "the set is not as it was written");
    cx.guard.prove_lease().await?;
    checkpoint.seal().context("cannot write the manifest")
}

/// The sums and sizes of all there is. Documents that the newest checkpoint did not have any more as it had saved them are brought anew.
async fn measured(cx: &mut Context<'_>, place: Place<'_>, set: &str, checkpoint: &mut Checkpoint) -> Result<Vec<u8>> {
    let said = tell(place, MEASURE, &[("SET", set)], b"go\n").await?;
    if said.ended != Ended::Code(TAKEN_OVER_DAMAGED) {
        return said.success(meaning);
    }
    let odd = String::from_utf8_lossy(&said.stdout);
    let name =
        odd.lines().find_map(|line| Some(line.split_once("  ")?.1)).unwrap_or("one of its documents, or their list,");
    cx.warn(format!("the newest checkpoint is damaged: {name} is not what was saved, so all documents are saved anew"));
    let copied = copied(cx, place, set).await?;
    checkpoint.documents = documents(cx, &copied)?;
    order(place, MEASURE, &[("SET", set)], "").await
}
