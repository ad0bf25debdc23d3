//! What a run that was ended has done by then and does not put back: whatever ended it, its last words say so.
use crate::cli::program;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::step::Step;
use crate::summary::Summary;
use anyhow::Error;

/// The cause, with what has become of the sandbox before it.
pub(super) fn told(plan: &Plan, settings: &Settings, summary: &Summary, cause: Error) -> Error {
    match words(plan, settings, summary) {
        Some(words) => cause.context(words),
        None => cause,
    }
}

fn words(plan: &Plan, settings: &Settings, summary: &Summary) -> Option<String> {
    let resets = plan.steps.contains(&Step::ResetDatabase);
    let copies = plan.steps.contains(&Step::CopyDocuments);
    let brings = plan.steps.contains(&Step::BringDocuments);
    let program = program();
    let data = match (resets, &summary.from_backup) {
        (true, _) => "the checkpoint's".to_owned(),
        (false, Some(from)) => format!("that of set {}", from.set),
        (false, None) => "production's".to_owned(),
    };
    match (summary.committed, summary.documents.is_some()) {
        (true, false) if resets => Some(format!(
            "the database is {data}, the documents are not: run `{program} reset {}` again",
            settings.wanted.name
        )),
        (true, false) if copies => Some(format!(
            "the database is {data} already, the documents are not: `{program} sync-documents` sends the rest"
        )),
        (true, false) if brings => {
            Some(format!("the database is {data} already, the documents are not: the same command sends the rest"))
        }
        (true, true) => Some(format!("the database and the documents are {data}, and stay so")),
        (true, false) => Some(format!("the database is {data}, and stays so")),
        (false, _) if summary.told_to_commit => Some(format!(
            "the restore was told to commit, and it is not known whether it has: the database is {data} or as it was, whole; run it \
             again, until then `{program} status` tells of it"
        )),
        (false, _) => None,
    }
}
