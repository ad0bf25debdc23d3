//! `--dry-run`: what a command would do, and whether anything is in its way. Reads only.
use super::Run;
use crate::cli::Output;
use crate::plan::{Plan, Told};
use crate::report;
use crate::step::preflight::Found;
use crate::step::{preflight, rights};
use crate::summary::Summary;
use anyhow::{Context as _, Result};
use serde::Serialize;

/// All of it, as `--output json` has it.
#[derive(Serialize)]
struct Ahead<'a> {
    command: &'a str,
    dry_run: bool,
    /// "done" if nothing is in the way, else "failed".
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(flatten)]
    plan: Told,
}

impl Run<'_> {
    /// The plan comes first for a person, who may have to wait for the rest; a script gets one document, at the end.
    pub(super) async fn dry(&self, plan: &Plan, output: Output, summary: &mut Summary) -> Result<()> {
        let told = plan.told(self.settings);
        if output == Output::Text {
            report::result(&told.to_string()).context("cannot write the plan")?;
        }
        let looked = self.look_ahead(plan).await;
        let warnings = looked.as_ref().map(|found| self.tell(found)).unwrap_or_default();
        if output == Output::Json {
            let (outcome, error) = match &looked {
                Ok(_) => ("done", None),
                Err(error) => ("failed", Some(format!("{error:#}"))),
            };
            let command = &summary.command;
            let document = Ahead { command, dry_run: true, outcome, error, warnings, plan: told };
            report::result(&serde_json::to_string_pretty(&document)?).context("cannot write the plan")?;
            summary.told = true;
        }
        looked?;
        self.note("the preflight found nothing in the way; nothing was changed");
        Ok(())
    }

    async fn look_ahead(&self, plan: &Plan) -> Result<Found> {
        let cluster = self.connect().await?;
        preflight::apart(self.settings)?;
        let scope = plan.scope(self.settings);
        rights::check(self.settings, &cluster, scope).await?;
        preflight::check(self.settings, &cluster, scope).await
    }
}
