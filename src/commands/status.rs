//! `status`: what the sandbox is, and what is not as it should be. Reads only.
mod drift;
mod text;

use super::Run;
use crate::cli::{Ages, Output};
use crate::cluster::Cluster;
use crate::cluster::lease::Found;
use crate::outcome::Outcome;
use crate::record::{Record, now};
use crate::report;
use crate::step::doctor;
use crate::summary::Summary;
use crate::undo::Undo;
use anyhow::{Context as _, Error, Result, anyhow};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// All of it, as `--output json` has it.
#[derive(Debug, Default, Serialize)]
struct Status {
    /// Namespace and Deployment.
    sandbox: String,
    /// Since production's data was read; absent where that is not known.
    data_age_seconds: Option<i64>,
    record: Record,
    /// Whoever has the Lease.
    run: Option<Running>,
    drift: Vec<Drift>,
    /// What could not be looked at.
    unknown: Vec<String>,
    /// There is no such Deployment.
    #[serde(skip)]
    absent: bool,
}

#[derive(Debug, Serialize)]
struct Running {
    holder: String,
    command: Option<String>,
    step: Option<String>,
    since: Option<Timestamp>,
    /// The last sign of life, by the holder's clock; absent where it has left its Lease to whoever recovers.
    renewed_at: Option<Timestamp>,
    /// Since then, where that is longer than its Lease lasts: a run that lives has renewed it. By two clocks, so it is for people; what
    /// takes over watches the Lease first.
    silent_seconds: Option<i64>,
    /// What stands in the undo journal.
    will_put_back: Vec<String>,
    #[serde(skip)]
    journal: Vec<Undo>,
}

/// Something that is not as a sandbox should be.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Drift {
    what: String,
    fix: String,
}

impl Run<'_> {
    pub(super) async fn status(&self, ages: Ages, output: Output, summary: &mut Summary) -> Result<Outcome> {
        let cluster = self.connect().await?;
        let status = self.look_at_it(&cluster).await?;
        let told = match output {
            Output::Json => report::result(&serde_json::to_string_pretty(&status)?),
            Output::Text => report::facts(&text::of(&status), text::INDENT),
        };
        told.context("cannot write the status")?;
        summary.told = true;
        let absent = status.absent.then(|| nowhere("", &status.sandbox));
        Ok(Outcome { cause: absent.or_else(|| too_old(&status, ages)), ..Outcome::default() })
    }

    async fn look_at_it(&self, cluster: &Cluster) -> Result<Status> {
        let sandbox = &self.settings.sandbox;
        let mut status =
            Status { sandbox: format!("{}/{}", sandbox.namespace, sandbox.deployment), ..Status::default() };
        let mut errors = Vec::new();
        let (record, lease) = tokio::join!(cluster.record(&sandbox.namespace), cluster.find_lease(&sandbox.namespace));
        let untouched = matches!((&record, &lease), (Ok(None), Ok(None)));
        status.record = keep(&mut errors, record).flatten().unwrap_or_default();
        let lease = keep(&mut errors, lease).flatten();
        let journal = lease.as_ref().map_or(Ok(Vec::new()), |found| {
            Undo::journal(found.journal.as_deref(), &sandbox.namespace).context("cannot read the journal in the Lease")
        });
        let unreadable = journal.as_ref().err().map(|why| format!("what a run has left to put back: {why:#}"));
        status.run = lease.map(|found| Running::of(found, journal.unwrap_or_default()));
        let age = |at: Timestamp| now().as_second() - at.as_second();
        status.data_age_seconds = status.record.data_read_at_least().map(age);
        drift::look(self.settings, cluster, &mut status, &mut errors).await;
        // An API server that answers nothing at all is no status.
        if errors.len() == drift::LOOKS + 2 {
            // Its address is told with it where it cannot be reached.
            cluster.server().await.map_err(|error| anyhow!("{error:#}; {}", doctor::SERVER_FIX))?;
            return Err(errors.swap_remove(0));
        }
        // Nor is a place where no run has left a word: the namespace is another one, or does not exist.
        if status.absent && untouched {
            return Err(nowhere(", and neither record nor Lease of a run in its namespace", &status.sandbox));
        }
        status.unknown = errors.iter().map(|error| format!("{error:#}")).chain(unreadable).collect();
        Ok(status)
    }
}

fn nowhere(nor: &str, sandbox: &str) -> Error {
    anyhow!("there is no Deployment {sandbox}{nor}: --sandbox-namespace and --sandbox-deployment name the sandbox")
}

impl Running {
    fn of(found: Found, journal: Vec<Undo>) -> Self {
        Self {
            renewed_at: found.renewed_at(),
            silent_seconds: silent(&found),
            command: found.command(),
            step: found.step(),
            holder: found.holder,
            since: found.since,
            will_put_back: Undo::told(&journal),
            journal,
        }
    }

    /// The run's id is the last part of its holder's name.
    fn id(&self) -> &str {
        self.holder.rsplit('/').next().unwrap_or_default()
    }
}

impl Running {
    /// Whether it is this run, and under way.
    fn is(&self, run: &str) -> bool {
        self.id() == run && self.renewed_at.is_some() && self.silent_seconds.is_none()
    }
}

fn silent(found: &Found) -> Option<i64> {
    let seconds = now().as_second() - found.renewed_at()?.as_second();
    (seconds > i64::try_from(found.lasts().as_secs()).unwrap_or(i64::MAX)).then_some(seconds)
}

fn keep<T>(errors: &mut Vec<Error>, found: Result<T>) -> Option<T> {
    found.map_err(|error| errors.push(error)).ok()
}

/// What `--max-age` and `--max-backup-age` have to say.
fn too_old(status: &Status, ages: Ages) -> Option<Error> {
    let backup = status.record.backups.get("prod").map(|act| now().as_second() - act.at.as_second());
    let data = older("production's data in the sandbox", status.data_age_seconds, "--max-age", ages.max_age);
    let backup = older("production's last backup", backup, "--max-backup-age", ages.max_backup_age);
    let both: Vec<String> = data.into_iter().chain(backup).collect();
    (!both.is_empty()).then(|| anyhow!(both.join("; ")))
}

fn older(what: &str, age: Option<i64>, flag: &str, limit: Option<Duration>) -> Option<String> {
    let limit = i64::try_from(limit?.as_secs()).unwrap_or(i64::MAX);
    let spoken = crate::cli::spoken;
    match age {
        None => Some(format!("the age of {what} is not known, which is worse than {flag} {}", spoken(limit))),
        Some(age) if age > limit => Some(format!("{what} is {} old, more than {flag} {}", spoken(age), spoken(limit))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_that_is_not_known_is_too_old() {
        let limit = Some(Duration::from_secs(7 * 86400));
        assert_eq!(older("it", Some(7 * 86400), "--max-age", limit), None);
        assert_eq!(older("it", None, "--max-age", None), None);
        let old = older("it", Some(8 * 86400), "--max-age", limit);
        assert_eq!(old.as_deref(), Some("it is 8 days old, more than --max-age 7 days"));
        let unknown = older("it", None, "--max-age", limit);
        assert!(unknown.is_some_and(|text| text.contains("not known")));
    }
}
