//! `doctor`: one line a finding, and how to mend it.
use super::Run;
use crate::cli::{Output, Task};
use crate::outcome::Outcome;
use crate::report;
use crate::step::doctor::{Finding, State, examine};
use crate::summary::Summary;
use anyhow::{Context as _, Result, anyhow};
use serde_json::json;

impl Run<'_> {
    pub(super) async fn doctor(&self, task: Task, output: Output, summary: &mut Summary) -> Result<Outcome> {
        let cluster = self.connect().await?;
        let findings = examine(self.settings, &cluster, task).await;
        let failed = findings.iter().filter(|finding| finding.state == State::Failed).count();
        let text = match output {
            Output::Json => {
                let document = json!({"command": task.name(), "ok": failed == 0, "checks": findings});
                serde_json::to_string_pretty(&document)?
            }
            Output::Text => findings.iter().map(line).collect::<Vec<_>>().join("\n"),
        };
        report::result(&text).context("cannot write the findings")?;
        summary.told = true;
        let cause = (failed > 0).then(|| match failed {
            1 => anyhow!("{} cannot end well: one check failed", task.name()),
            _ => anyhow!("{} cannot end well: {failed} checks failed", task.name()),
        });
        Ok(Outcome { cause, ..Outcome::default() })
    }
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "failed",
    };
    let fix = finding.fix.as_ref().map_or(String::new(), |fix| format!("\n{:<22}fix: {fix}", ""));
    format!("{state:<9}{:<13}{}{fix}", finding.check, finding.says)
}
