//! What a refresh would refuse, each as a finding of its own.
use super::super::{Finding, State};
use crate::jobs::{self, Event, Refusal};

/// All of it, from both containers.
pub(super) struct Refused(Vec<Refusal>);

pub(super) fn refusals<'a>(events: impl Iterator<Item = &'a Event>) -> Refused {
    let mut all = Vec::new();
    for event in events {
        match event {
            Event::Refused { each, .. } if !each.is_empty() => all.extend(each.iter().cloned()),
            Event::Refused { code, reason, items, .. } => {
                all.push(Refusal { code: *code, reason: reason.clone(), items: items.clone() });
            }
            _ => {}
        }
    }
    Refused(all)
}

impl Refused {
    pub(super) fn has(&self, code: i32) -> bool {
        self.0.iter().any(|refusal| refusal.code == code)
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.0.iter().map(finding)
    }
}

fn finding(refusal: &Refusal) -> Finding {
    let Refusal { code, reason, items } = refusal;
    // The scripts say how to mend it in the same breath, where that is always the same.
    let (says, said) = match reason.split_once(". Fix") {
        Some((says, fix)) => (says, Some(fix.trim_start_matches([':', ',', ' ']).to_owned())),
        None => (reason.as_str(), None),
    };
    let (check, fix) = about(*code);
    // These may be over when a run comes, or are nobody's fault.
    let state = if matches!(code, 28 | 34) { State::Warning } else { State::Failed };
    Finding::new(check, state, format!("{says}{}", jobs::told(items))).fix(said.unwrap_or_else(|| fix.to_owned()))
}

/// What was looked at, and what to do where the script does not say it.
fn about(code: i32) -> (&'static str, &'static str) {
    match code {
        10 => (
            "production",
            "the Secret of --prod-secret must hold a valid login, and --pg-host, --pg-port and --prod-database lead to it",
        ),
        13 => ("production", "the login must be able to read the whole schema public: GRANT pg_read_all_data"),
        11 => ("read-only", "ALTER ROLE … IN DATABASE … SET default_transaction_read_only = on"),
        12 => ("versions", "--pg-image docker.io/library/postgres of the server's version"),
        16 => ("tables", "--prod-database, --table-prefix and --min-tables must fit production"),
        17 => ("login", "sandbox-lifecycle manifests vault"),
        20 => (
            "sandbox",
            "the Secret of --sandbox-secret must hold a valid login, and --pg-host, --pg-port and --sandbox-database lead to it",
        ),
        21 => {
            ("identity", "--sandbox-database, --sandbox-secret and --pg-host must lead to the sandbox's own database")
        }
        22 => ("login", "a login for the sandbox that is a member of --sandbox-role and of nothing else"),
        23 => ("objects", "move them into schema public of the role, or out of its ownership"),
        24 => ("extensions", "CREATE EXTENSION as a superuser"),
        25 => ("lock table", "raise max_locks_per_transaction"),
        26 => ("login", "GRANT USAGE, CREATE ON SCHEMA public to --sandbox-role"),
        28 => ("locks", "let them end, or end them: SELECT pg_terminate_backend(pid)"),
        34 => ("restore", "mend production's side first"),
        _ => ("sandbox", "-v tells what the Job said"),
    }
}
