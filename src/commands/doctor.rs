//! `doctor`: one line a finding, and how to mend it.
use super::{Run, held_by};
use crate::cli::{Output, RunFlags, Task, program};
use crate::cluster::Cluster;
use crate::cluster::lease::Taken;
use crate::guard::Guard;
use crate::outcome::Outcome;
use crate::report;
use crate::shutdown::{Interrupted, Shutdown};
use crate::step::doctor::deep::{self, Look};
use crate::step::doctor::{Finding, State, examine};
use crate::summary::Summary;
use anyhow::{Context as _, Result, anyhow};
use serde_json::json;

/// Where what a finding says begins.
const INDENT: usize = 22;

impl Run<'_> {
    pub(super) async fn doctor(
        &self,
        (task, deep): (Task, bool),
        flags: &RunFlags,
        summary: &mut Summary,
    ) -> Result<Outcome> {
        let cluster = self.connect().await?;
        let mut findings = examine(self.settings, &cluster, task).await;
        let mut outcome = Outcome::default();
        if deep && flags.dry_run {
            findings.push(deep::would(self.settings));
        } else if deep {
            let (found, ended) = self.look_into_databases(&cluster, &findings).await?;
            findings.extend(found);
            outcome = ended;
        }
        let failed = findings.iter().filter(|finding| finding.state == State::Failed).count();
        let told = match flags.output {
            Output::Json => {
                let ok = failed == 0 && outcome.code() == 0;
                let document = json!({"command": task.name(), "ok": ok, "checks": findings});
                report::result(&serde_json::to_string_pretty(&document)?)
            }
            Output::Text => report::facts(&findings.iter().map(line).collect::<Vec<_>>().join("\n"), INDENT),
        };
        told.context("cannot write the findings")?;
        summary.told = true;
        let cause = (failed > 0).then(|| match failed {
            1 => anyhow!("{} cannot end well: one check failed", task.name()),
            _ => anyhow!("{} cannot end well: {failed} checks failed", task.name()),
        });
        Ok(Outcome { cause: outcome.cause.or(cause), ..outcome })
    }

    /// By a Job, under the Lease: it is the lock, so that nobody refreshes meanwhile, and its journal removes the Job and the copy of
    /// production's credentials whatever ends this. What a dead run left is told, and not put back: a doctor only looks.
    async fn look_into_databases(&self, cluster: &Cluster, before: &[Finding]) -> Result<(Vec<Finding>, Outcome)> {
        if let Some(hopeless) = deep::hopeless(before) {
            return Ok((vec![hopeless], Outcome::default()));
        }
        let mut shutdown = Shutdown::listen()?;
        let namespace = &self.settings.sandbox.namespace;
        let held = match cluster.take_lease(namespace, &self.holder(), "doctor").await? {
            Taken::Mine(held) => held,
            Taken::Others(found) => {
                let error = anyhow!("{}", held_by(namespace, &found));
                let fix =
                    format!("again when that has ended; if it is dead, {} recover puts back what it left", program());
                return Ok((vec![deep::unable(&error, &fix)], Outcome::default()));
            }
        };
        let look = Look { settings: self.settings, cluster, report: self.report, run: &self.id };
        let mut findings = Vec::new();
        let outcome = Guard::around(cluster, self.report, &mut shutdown, held, async |guard: &Guard<'_>| {
            findings = look.into_both(guard).await?;
            Ok(())
        })
        .await;
        let Outcome { cause, left, put_back } = outcome;
        let cause = match cause {
            // What the Job met is a finding; that somebody ended it is not.
            Some(error) if !error.is::<Interrupted>() => {
                findings = vec![deep::unable(&error, "mend what it says; -v tells what the Job said")];
                None
            }
            cause => cause,
        };
        Ok((findings, Outcome { cause, left, put_back }))
    }
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "failed",
    };
    let fix = finding.fix.as_ref().map_or(String::new(), |fix| format!("\n{:<INDENT$}fix: {fix}", ""));
    format!("{state:<9}{:<13}{}{fix}", finding.check, finding.says)
}
