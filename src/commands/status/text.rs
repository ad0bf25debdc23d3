//! The status for a person: one line a fact.
use super::{Running, Status};
use crate::cli::spoken;
use crate::record::{Act, Record, Unfinished, now};
use jiff::Timestamp;

/// Where what is said of a fact begins.
pub(super) const INDENT: usize = 15;

pub(super) fn of(status: &Status) -> String {
    let Status { sandbox, record, run, drift, unknown, .. } = status;
    let mut lines = vec![line("sandbox", sandbox)];
    lines.push(line("data", &data(record)));
    let mut act = |name: &str, act: Option<&Act>| lines.extend(act.map(|act| line(name, &told(name, act))));
    act("database", record.database.as_ref());
    act("documents", record.documents.as_ref());
    act("checkpoint", record.checkpoint.as_ref());
    act("reset", record.reset.as_ref());
    for (environment, backup) in &record.backups {
        act(&format!("backup {environment}"), Some(backup));
    }
    let unfinished =
        record.unfinished.as_ref().filter(|unfinished| !run.as_ref().is_some_and(|run| run.is(&unfinished.run)));
    lines.extend(unfinished.map(|unfinished| line("not finished", &left(unfinished))));
    lines.extend(run.iter().flat_map(running));
    for drift in drift {
        lines.push(line("drift", &drift.what));
        lines.push(line("", &format!("fix: {}", drift.fix)));
    }
    lines.extend(unknown.iter().map(|what| line("not known", what)));
    if drift.is_empty() && unknown.is_empty() {
        let none = match status.run {
            Some(_) => "none but what the run in progress has changed",
            None => "none: armed, running, nothing left behind",
        };
        lines.push(line("drift", none));
    }
    lines.join("\n")
}

fn line(name: &str, text: &str) -> String {
    format!("{name:<INDENT$}{text}")
}

fn ago(at: Timestamp) -> String {
    match now().as_second() - at.as_second() {
        seconds @ ..0 => format!("{} ahead of this clock", spoken(-seconds)),
        seconds => format!("{} ago", spoken(seconds)),
    }
}

fn data(record: &Record) -> String {
    match (record.data_read_at, &record.database) {
        (Some(at), _) => format!("read from production {}, at {at}", ago(at)),
        (None, Some(_)) => "it is not known when it was read from production".to_owned(),
        (None, None) => "not known: no run that brought production's data has been recorded".to_owned(),
    }
}

/// Where the command's name stands in front of the line already, it is not said again.
fn told(line: &str, act: &Act) -> String {
    let Act { at, by, run, command, seconds, mode, name, .. } = act;
    let command = match name {
        Some(name) if command == line => name.clone(),
        Some(name) => format!("{command} {name}"),
        None => command.clone(),
    };
    let mode = mode.as_ref().map_or(String::new(), |mode| format!(", {mode}"));
    format!("{command} {}, at {at}, by {by} in {seconds:.1} s (run {run}{mode})", ago(*at))
}

/// What a run that was ended has left half done.
fn left(unfinished: &Unfinished) -> String {
    let Unfinished { at, by, run, command, name, database, .. } = unfinished;
    let name = name.as_ref().map_or(String::new(), |name| format!(" {name}"));
    let what = match database {
        true => "it is not known whether the database is what it was to become, or as it was",
        false => "the database is what it was to become, the documents are not",
    };
    format!("{command}{name} {}, by {by} (run {run}), was ended: {what}; run it again", ago(*at))
}

fn running(run: &Running) -> Vec<String> {
    let Running { holder, command, step, since, renewed_at, will_put_back, .. } = run;
    let Some(renewed) = renewed_at else {
        return will_put_back.iter().map(|undo| line("not put back", undo)).collect();
    };
    let command = command.as_deref().unwrap_or("a run");
    let step = step.as_ref().map_or(String::new(), |step| format!(", step \"{step}\""));
    let since = since.map_or(String::new(), |since| format!(" since {since:.0}"));
    let mut lines =
        vec![line("run", &format!("{command} by {holder}{since}{step}; last sign of life {}", ago(*renewed)))];
    lines.extend(will_put_back.iter().map(|undo| line("", &format!("will put back: {undo}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_stands_in_front_of_its_line_is_not_said_again() {
        let act = |command: &str, name: Option<&str>| {
            let (command, name) = (command.to_owned(), name.map(str::to_owned));
            Act { at: now(), command, name, ..Act::default() }
        };
        assert!(told("checkpoint", &act("checkpoint", Some("golden"))).starts_with("golden 0 seconds ago, at "));
        assert!(told("checkpoint", &act("refresh", Some("golden"))).starts_with("refresh golden 0 seconds ago"));
        assert!(told("database", &act("refresh", None)).starts_with("refresh 0 seconds ago"));
    }
}
