//! What a run has to say for itself at its end: as text for a person, as JSON for a script.
mod backed;
mod rehearsal;

use crate::cluster::documents::Copied;
use crate::jobs::PutBack;
use crate::record::Server;
use crate::report::{many, size};
pub use backed::{Backed, FromBackup};
pub use rehearsal::{Rehearsal, Reset};
use serde::Serialize;
use std::fmt::{self, Display};

/// Filled while the steps run; absent is what did not happen. Times in seconds, sizes in bytes.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub command: String,
    pub run: String,
    /// "done", "failed" or "not-put-back": the exit code in a word.
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// At the end of a run that failed, or by `recover`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub put_back: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_put_back: Vec<String>,
    /// When production's data was read (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_read_at: Option<String>,
    /// How production's login could write, although this run's session cannot; empty for one that may only read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_writable: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// What of the database was not compared before the commit, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Copied>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backed>,
    /// The set that the database was brought to, where it was not production.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_backup: Option<FromBackup>,
    /// The file whose statements were run before the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_restore_sql: Option<String>,
    /// The command that was run when the sandbox was up again, and succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
    pub seconds: f64,
    pub steps: Vec<Timing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The sandbox's database has become what `data_read_at` says.
    #[serde(skip)]
    pub committed: bool,
    /// Production's database, where this run has read it.
    #[serde(skip)]
    pub production: Option<Server>,
    /// The restore was told to commit; what came of it is not known unless `committed` says so.
    #[serde(skip)]
    pub told_to_commit: bool,
    /// The sandbox's record says that this run is about to change the database.
    #[serde(skip)]
    pub set_out: bool,
    /// The command has written its own result to stdout; this one is not for it.
    #[serde(skip)]
    pub told: bool,
}

#[derive(Debug, Default, Serialize)]
pub struct Database {
    pub tables: u64,
    pub rows: u64,
    pub sequences: u64,
    pub dump_bytes: u64,
    /// Absent where the whole database was wiped and restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_back: Option<PutBack>,
}

#[derive(Debug, Serialize)]
pub struct Timing {
    pub step: &'static str,
    pub seconds: f64,
}

/// A refresh is iso-prod: what existed only in the sandbox is gone.
const REMINDER: &str = "\
The sandbox is iso-prod now: the user ai_agent_sandbox and its API key are gone,
and values encrypted with production's DOLI_INSTANCE_UNIQUE_ID do not decrypt.
Re-run test/provisionSandbox.ts.";

impl Summary {
    /// What the operator has had run, a line each.
    fn own(&self) -> String {
        let statements =
            self.after_restore_sql.iter().map(|file| format!("the statements of {file}, in the same transaction"));
        statements.chain(self.after.clone()).map(|what| format!("after      {what}\n")).collect()
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(backup) = &self.backup {
            writeln!(f, "{backup}")?;
        }
        self.tell_database(f)?;
        f.write_str(&login(self.production_writable.as_deref()))?;
        if let Some(documents) = &self.documents {
            let Copied { files, bytes, removed, unchanged, .. } = documents;
            let sent = many(*files, "file");
            writeln!(f, "documents  {sent} sent ({}), {removed} removed, {unchanged} unchanged", size(*bytes))?;
        } else if self.from_backup.is_some() && self.outcome == "done" {
            writeln!(f, "documents  not touched")?;
        }
        f.write_str(&self.own())?;
        write!(f, "{}", self.rehearsal)?;
        if let Some(downtime) = self.downtime_seconds {
            writeln!(f, "downtime   {downtime:.1} s")?;
        }
        // The seconds of each step have been told as it ended; the JSON has them again.
        writeln!(f, "took       {:.1} s", self.seconds)?;
        f.write_str(self.closing())
    }
}

impl Summary {
    /// What to know of the sandbox from now on.
    fn closing(&self) -> &'static str {
        let own = self.from_backup.as_ref().is_some_and(FromBackup::is_own);
        match self.database {
            _ if self.outcome != "done" => {
                "The run failed after its commit: the database is as told here, the error says what is not."
            }
            _ if self.backup.is_some() => "",
            Some(_) if own => "The sandbox is what it was when it was backed up.",
            // What the reminder asks for was done by the command.
            Some(_) if self.after.is_some() => "",
            Some(_) => REMINDER,
            None if !self.rehearsal.is_empty() => "",
            None => "The sandbox has production's documents.",
        }
    }
}

impl Summary {
    /// What the sandbox's database has become.
    fn tell_database(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(database), None) = (&self.database, &self.backup) {
            let Database { tables, rows, sequences, dump_bytes, put_back } = database;
            let read_at = self.data_read_at.as_deref().unwrap_or("an unknown time");
            let [tables, rows] = [many(*tables, "table"), many(*rows, "row")];
            let sequences = many(*sequences, "sequence");
            writeln!(f, "database   {tables}, {rows}, {sequences}; dump {}", size(*dump_bytes))?;
            match &self.from_backup {
                None => writeln!(f, "           production's data as of {read_at}")?,
                Some(from) => writeln!(f, "           {from}\n           data as of {read_at}")?,
            }
            match put_back {
                None => writeln!(f, "           wiped and restored")?,
                Some(PutBack { tables, added, changed, removed, sequences }) => writeln!(
                    f,
                    "           put back in {}: {}, {changed} changed,\n           {removed} removed; {}",
                    many(*tables, "table"),
                    many(*added, "row") + " added",
                    many(*sequences, "sequence")
                )?,
            }
        }
        if let Some(reset) = &self.rehearsal.reset {
            write!(f, "{reset}")?;
        }
        self.not_compared.iter().try_for_each(|what| writeln!(f, "           not compared: {what}"))
    }
}

/// Whether production's login could write, in a line.
fn login(ways: Option<&[String]>) -> String {
    match ways {
        None => String::new(),
        Some([]) => "login      production's may only read\n".to_owned(),
        Some([way, ..]) => {
            format!(
                "login      production's could write: {way}\n           (--require-read-only-role refuses such a one)\n"
            )
        }
    }
}
