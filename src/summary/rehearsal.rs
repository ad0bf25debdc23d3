//! What the rehearsal loop has to say: a checkpoint that was taken, what was put back, what differs.
use super::{many, size};
use crate::golden::difference::Difference;
use crate::golden::manifest::Checkpoint;
use crate::jobs::{self, Mode};
use serde::Serialize;
use std::fmt::{self, Display};

/// Absent is what the command was not about.
#[derive(Debug, Default, Serialize)]
pub struct Rehearsal {
    /// The one that was taken, shown, or come back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<Vec<Checkpoint>>,
    /// There are more than those, each of which a warning has told of.
    #[serde(skip)]
    pub some_unusable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// The PersistentVolumeClaim that was made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_created: Option<String>,
    #[serde(skip)]
    pub taken: bool,
    /// One of other settings was replaced, and what replaced it is not up.
    #[serde(skip)]
    pub kept_pod_gone: bool,
    /// Whether there was an idle Pod to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooled: Option<bool>,
}

/// How a reset brought the database to the checkpoint.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reset {
    /// `differences`, or `full` where all was wiped and restored.
    pub mode: Option<Mode>,
    pub why: String,
    /// What was moved; all zero where all was replaced.
    #[serde(flatten)]
    pub rows: jobs::PutBack,
    /// Tables, rows and sequences that were found equal before the commit.
    pub verified: [u64; 3],
    /// What was not, for the summary.
    #[serde(skip)]
    pub not_compared: Vec<String>,
    /// Statements of what stood before and could not be granted again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants_lost: Vec<String>,
}

impl Rehearsal {
    /// Whether there is anything to say.
    pub fn is_empty(&self) -> bool {
        let Self { checkpoint, checkpoints, deleted, reset, difference, .. } = self;
        checkpoint.is_none()
            && checkpoints.is_none()
            && deleted.is_none()
            && reset.is_none()
            && difference.is_none()
            && self.cooled.is_none()
    }
}

impl Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(claim) = &self.claim_created {
            writeln!(f, "volume     PersistentVolumeClaim {claim} was made")?;
        }
        if let Some(checkpoints) = &self.checkpoints {
            list(f, checkpoints, self.some_unusable)?;
        }
        if let Some(name) = &self.deleted {
            writeln!(f, "removed    checkpoint {name}")?;
        }
        match self.cooled {
            Some(true) => writeln!(f, "removed    the idle Pod; the checkpoints stay")?,
            Some(false) => writeln!(f, "removed    nothing: there was no idle Pod; the checkpoints stay")?,
            None => {}
        }
        if let Some(difference) = &self.difference {
            write!(f, "{difference}")?;
        }
        match (&self.reset, &self.checkpoint) {
            (Some(_), Some(checkpoint)) => writeln!(f, "checkpoint {}", line(checkpoint)),
            (None, Some(checkpoint)) => show(f, checkpoint),
            _ => Ok(()),
        }
    }
}

impl Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs::PutBack { tables, added, changed, removed, sequences } = self.rows;
        match self.mode {
            Some(Mode::Full) => writeln!(f, "database   wiped and restored: {}", self.why),
            _ => writeln!(
                f,
                "database   {} put back: {} added, {changed} changed, {removed} removed; {}",
                many(tables, "table"),
                many(added, "row"),
                many(sequences, "sequence")
            ),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, checkpoints: &[Checkpoint], some_unusable: bool) -> fmt::Result {
    let none = if some_unusable { "no checkpoint can be used" } else { "there is no checkpoint" };
    match checkpoints {
        [] => writeln!(f, "{none}: take one with `{} checkpoint`", crate::cli::program()),
        all => all.iter().try_for_each(|one| writeln!(f, "{}", line(one))),
    }
}

/// One line for one.
fn line(one: &Checkpoint) -> String {
    let Checkpoint { name, taken_at, by, database, documents, bytes, .. } = one;
    format!(
        "{name}: taken {taken_at} by {by}, production's data of {}; {}, {}, {}, {}",
        one.data_read_at.as_deref().unwrap_or("an unknown time"),
        many(database.tables, "table"),
        many(database.rows, "row"),
        many(documents.files, "document"),
        size(*bytes)
    )
}

fn show(f: &mut fmt::Formatter<'_>, one: &Checkpoint) -> fmt::Result {
    let Checkpoint { name, taken_at, by, tool, run, database, documents, bytes, .. } = one;
    writeln!(f, "checkpoint {name}, {} on the volume", size(*bytes))?;
    writeln!(f, "taken      {taken_at} by {by} (run {run}, version {tool})")?;
    writeln!(f, "data       production's as of {}", one.data_read_at.as_deref().unwrap_or("an unknown time"))?;
    writeln!(
        f,
        "database   {}: {}, {}, {}; dump {}",
        database.name,
        many(database.tables, "table"),
        many(database.rows, "row"),
        many(database.sequences, "sequence"),
        size(database.dump_bytes)
    )?;
    let files = many(documents.files, "file");
    writeln!(f, "documents  {}: {files}, {}", documents.trees.join(", "), size(documents.bytes))
}
