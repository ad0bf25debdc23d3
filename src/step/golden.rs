//! The rehearsal loop: a checkpoint of the sandbox is made, and the sandbox is brought back to one, on the golden volume.
//!
//! One way for a Pod that is kept warm and for that of a Job: the steps exec into it. Nothing of the application's is paused or stopped
//! unless that is asked for.
mod advice;
mod compare;
mod conversation;
mod documents;
mod open;
mod reset;
mod save;
mod seal;
mod shelf;
mod verify;

use super::{Context, Step};
use crate::cluster::documents::Compared;
use crate::cluster::exec::PodRef;
use crate::golden::manifest::Checkpoint;
use crate::settings::Settings;
use crate::summary::Reset;
use anyhow::{Context as _, Result, bail};
use conversation::Conversation;
use open::Open;

/// What one step leaves to the next.
#[derive(Default)]
pub struct State {
    open: Option<Open>,
    /// What the sandbox has, with the script that read its database and has told all: it only has to end.
    saved: Option<(Checkpoint, Conversation)>,
    /// The checkpoint that the sandbox is brought to, found whole.
    verified: Option<Checkpoint>,
    /// The script that brings the database to it, and what it has told so far.
    restore: Option<(Conversation, Reset)>,
    /// The same, which has something left to do.
    committed: Option<Conversation>,
    /// What of the documents differs, and the sandbox's Pod that was looked at.
    documents: Option<Compared>,
}

impl State {
    /// Whether the sandbox is brought to a checkpoint.
    pub(super) fn is_reset(&self) -> bool {
        self.verified.is_some()
    }
}

impl Context<'_> {
    /// When production's data was read that the sandbox has now, as far as anybody knows.
    fn data_read_at(&self) -> Option<String> {
        // Without the right to the record, or where it is damaged, nobody knows.
        self.summary.data_read_at.clone().or_else(|| Some(self.record.data_read_at_least()?.to_string()))
    }

    fn golden_pod(&self) -> Result<PodRef> {
        Ok(self.golden.open.as_ref().context("a bug: the golden volume is not open")?.pod.clone())
    }
}

pub(super) fn title(step: Step) -> Option<&'static str> {
    Some(match step {
        Step::OpenGolden => "Open the golden volume",
        Step::SaveCheckpoint => "Save the database and the documents",
        Step::SealCheckpoint => "Complete the checkpoint",
        Step::VerifyCheckpoint => "Verify the checkpoint",
        Step::ResetDatabase => "Put the database back",
        Step::ResetDocuments => "Put the documents back",
        Step::CompareWithCheckpoint => "Compare with the checkpoint",
        Step::ListCheckpoints => "List the checkpoints",
        Step::DeleteCheckpoint => "Remove the checkpoint",
        Step::CloseGolden => "Close the golden volume",
        Step::CoolGolden => "Remove the idle Pod",
        _ => return None,
    })
}

pub(super) fn touches(step: Step, settings: &Settings) -> Vec<String> {
    let sandbox = &settings.sandbox;
    let (namespace, name) = (&sandbox.namespace, &settings.wanted.name);
    let claim = format!("PersistentVolumeClaim {namespace}/{}", settings.golden_claim);
    let deployment = format!("Deployment {namespace}/{}", crate::cluster::golden::NAME);
    let job = format!("Job {namespace}/{}", open::job_name("RUN"));
    let checkpoint = format!("checkpoint {name} on {claim}");
    let documents = format!("{} in the Pod of Deployment {namespace}/{}", trees(settings), sandbox.deployment);
    match step {
        Step::OpenGolden if settings.wanted.warm => {
            vec![format!("create {deployment}, image {}", settings.pg_image)]
        }
        Step::OpenGolden => {
            vec![format!("use the Pod of {deployment}; without one: create {job}, image {}", settings.pg_image)]
        }
        Step::SaveCheckpoint => vec![
            format!("create {claim}, if it is not there"),
            format!("read database {} in one read-only snapshot", sandbox.database),
            format!("read {documents}"),
        ],
        Step::SealCheckpoint => vec![
            format!("make or replace {checkpoint}"),
            format!("read {documents} again, if the newest checkpoint's are damaged"),
        ],
        Step::VerifyCheckpoint | Step::CompareWithCheckpoint => {
            vec![format!("read {checkpoint}, database {} and {}", sandbox.database, trees(settings))]
        }
        Step::ResetDatabase => {
            vec![format!("bring database {} to the checkpoint, in one transaction", sandbox.database)]
        }
        Step::ResetDocuments => vec![format!("bring {documents} to the checkpoint")],
        Step::ListCheckpoints => vec![format!("read {claim}")],
        Step::DeleteCheckpoint => vec![format!("remove {checkpoint}")],
        // The Pod that is kept is no Job's.
        Step::CloseGolden if settings.wanted.warm => Vec::new(),
        Step::CloseGolden => vec![format!("delete {job}, if it was created")],
        Step::CoolGolden => vec![format!("delete {deployment}")],
        _ => Vec::new(),
    }
}

fn trees(settings: &Settings) -> String {
    let tree = |tree: &String| format!("{}/{tree}", settings.documents_root);
    settings.documents_trees.iter().map(tree).collect::<Vec<_>>().join(", ")
}

pub(super) async fn run(step: Step, cx: &mut Context<'_>) -> Result<()> {
    match work(step, cx).await {
        Err(error) => Err(advice::on_rotation(cx, error).await),
        done => done,
    }
}

async fn work(step: Step, cx: &mut Context<'_>) -> Result<()> {
    match step {
        Step::OpenGolden => open::open(cx).await,
        Step::SaveCheckpoint => save::save(cx).await,
        Step::SealCheckpoint => seal::seal(cx).await,
        Step::VerifyCheckpoint => verify::verify(cx).await,
        Step::ResetDatabase => reset::database(cx).await,
        Step::ResetDocuments => reset::documents(cx).await,
        Step::CompareWithCheckpoint => compare::compare(cx).await,
        Step::ListCheckpoints => shelf::list(cx).await,
        Step::DeleteCheckpoint => shelf::delete(cx).await,
        Step::CloseGolden => open::close(cx).await,
        Step::CoolGolden => open::cool(cx).await,
        step => bail!("a bug: {step:?} is no step on the golden volume"),
    }
}
