//! One case: what goes wrong, where, and what must come of it.

use super::answer::Answer;
use super::arena::{Arena, End, finish};
use super::piece::Piece;
use super::place::{self, Place, When, changes};
use super::trouble::{Fate, Next, Trouble};
use super::{disk, statement, volume, watchdog};
use crate::support::api::Rule;
use crate::support::sandbox::Ran;
use std::fmt;

/// Generated from a run that was let through.
#[derive(Clone, Debug)]
pub(super) enum Case {
    /// A request is answered badly, or not at all.
    Answer { number: usize, line: String, answer: Answer },
    /// Something happens while a run is held at a place.
    Trouble { place: Place, trouble: Trouble },
    /// A run was killed, and a request of its watchdog is answered badly, or the watchdog is killed at it.
    Watchdog { number: usize, line: String, answer: Option<Answer> },
    /// The restore fails, so many tenths on its way.
    Statement { tenth: u64 },
    /// A table's rows cannot be put back, so many tenths on the way.
    Rows { tenth: usize },
    /// The disk has room for so many tenths of what the restore needs.
    DiskFull { tenth: u64 },
    /// The golden volume has room for so many tenths of what a checkpoint takes.
    VolumeFull { tenth: u64 },
}

/// How a case that was survived went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Played {
    pub(super) end: End,
    pub(super) reached: bool,
}

/// The lines of all requests that a run makes when it is let through.
pub(super) async fn requests(piece: Piece) -> Vec<String> {
    let mut arena = Arena::new(piece).await;
    let ran = finish(arena.start()).await.expect("it ends");
    let lines: Vec<String> = arena.lab.api.record.all().iter().map(place::line).collect();
    arena.judge(&ran, false).await.expect("without any trouble all is well");
    assert!(lines.len() > 10, "only {} requests were seen", lines.len());
    lines
}

/// Every bad answer at every request.
pub(super) fn answers(requests: &[String]) -> Vec<Case> {
    let numbered = || requests.iter().cloned().enumerate();
    let at = |answer| numbered().map(move |(number, line)| Case::Answer { number, line, answer });
    Answer::ALL.into_iter().flat_map(at).collect()
}

/// Everything that can happen to the tool itself, at every request and where it waits.
pub(super) fn ends(piece: Piece, requests: &[String]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, place) in places(piece, requests, &[When::Before, When::After]).into_iter().enumerate() {
        let minutes = [-10, 0, 10][number % 3];
        for trouble in [
            Trouble::Signal("INT"),
            Trouble::Signal("TERM"),
            Trouble::Killed(Next::Recover, minutes),
            Trouble::Killed(Next::Again, minutes),
            Trouble::SecondRun(minutes),
        ] {
            cases.push(Case::Trouble { place: place.clone(), trouble });
        }
    }
    cases.retain(|case| piece.recovers() || !case.is_mended_by_itself());
    cases
}

/// Documents on their way: what can happen to the tool, and around it.
pub(super) fn documents(piece: Piece) -> Vec<Case> {
    let around = [Trouble::TargetDeleted, Trouble::ConnectionCut, Trouble::TokenExpired, Trouble::ApiGone];
    let around = |place: Place| around.map(|trouble| Case::Trouble { place: place.clone(), trouble });
    ends(piece, &[]).into_iter().chain(piece.waits().into_iter().flat_map(around)).collect()
}

/// Changes that the server makes when all is over: for a run that went on without the answer, and one that was ended. Counted
/// among the changes alone: their order never varies.
pub(super) fn late(requests: &[String]) -> Vec<Case> {
    let changes: Vec<String> = requests.iter().filter(|line| changes(line)).cloned().collect();
    let places =
        changes.into_iter().enumerate().map(|(number, line)| Place::Request { number, line, when: When::Late });
    let ends = [Trouble::Signal("INT"), Trouble::Killed(Next::Recover, 0), Trouble::Killed(Next::Again, 0)];
    let troubles = [Trouble::None].into_iter().chain(ends);
    let at = |place: Place| troubles.clone().map(move |trouble| Case::Trouble { place: place.clone(), trouble });
    places.flat_map(at).collect()
}

/// With a watchdog: the tool is ended at any place, and what can happen to the watchdog when it recovers.
pub(super) fn watched(requests: &[String], of_watchdog: &[String]) -> Vec<Case> {
    let mut cases = Vec::new();
    for place in places(Piece::Watched, requests, &[When::Before, When::After]) {
        for trouble in [Trouble::Killed(Next::Watchdog, 0), Trouble::Signal("TERM")] {
            cases.push(Case::Trouble { place: place.clone(), trouble });
        }
    }
    for (number, line) in of_watchdog.iter().cloned().enumerate() {
        let faults = Answer::ALL.map(Some).into_iter().chain([None]);
        cases.extend(faults.map(|answer| Case::Watchdog { number, line: line.clone(), answer }));
    }
    cases
}

/// What can happen to a request of any command, to the tool, and around it.
pub(super) fn anything(piece: Piece, requests: &[String]) -> Vec<Case> {
    let late = late(requests).into_iter().filter(|case| piece.recovers() || !case.is_mended_by_itself());
    let ends = ends(piece, requests).into_iter().chain(late);
    answers(requests).into_iter().chain(ends).chain(surroundings(piece, requests)).collect()
}

/// Everything that can happen around it.
pub(super) fn surroundings(piece: Piece, requests: &[String]) -> Vec<Case> {
    let fates = [Fate::Deleted, Fate::Evicted, Fate::OutOfMemory, Fate::NodeLost].map(Trouble::Pod);
    let others = [Trouble::PostgresRestarted, Trouble::TokenExpired, Trouble::ApiGone];
    let lost = piece.has_a_volume().then_some(Trouble::ClaimLost);
    let troubles: Vec<Trouble> = fates.into_iter().chain(others).chain(lost).collect();
    let at =
        |place: Place| troubles.clone().into_iter().map(move |trouble| Case::Trouble { place: place.clone(), trouble });
    let kept = piece.waits().into_iter().map(|place| Case::Trouble { place, trouble: Trouble::LockKept });
    places(piece, requests, &[When::Before]).into_iter().flat_map(at).chain(kept).collect()
}

fn places(piece: Piece, requests: &[String], whens: &[When]) -> Vec<Place> {
    let mut places = piece.waits();
    for &when in whens {
        let numbered = requests.iter().cloned().enumerate();
        places.extend(numbered.map(|(number, line)| Place::Request { number, line, when }));
    }
    places
}

impl Case {
    /// What is counted together.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Answer { answer, .. } => answer.to_string(),
            Self::Statement { .. } => "a statement of the restore fails".to_owned(),
            Self::Rows { .. } => "a table takes no rows".to_owned(),
            Self::DiskFull { .. } => "the database's disk is full".to_owned(),
            Self::VolumeFull { .. } => "the golden volume is full".to_owned(),
            Self::Trouble { place, trouble } => format!("{} {}", trouble.kind(), place.kind()),
            Self::Watchdog { answer: Some(answer), .. } => format!("the watchdog: {answer}"),
            Self::Watchdog { answer: None, .. } => "the watchdog: killed".to_owned(),
        }
    }

    /// Takes half a minute or more.
    pub(super) fn is_slow(&self) -> bool {
        let is_within = |place: &Place| matches!(place, Place::Restoring | Place::Sending { .. });
        matches!(self, Self::Trouble { place, trouble } if trouble.is_slow() && !is_within(place))
    }

    /// The same command is left to mend it.
    fn is_mended_by_itself(&self) -> bool {
        matches!(self, Self::Trouble { trouble: Trouble::Killed(Next::Again, _), .. })
    }

    /// # Errors
    /// The promise that was broken.
    pub(super) async fn play(&self, arena: &mut Arena) -> Result<Played, String> {
        match self {
            Self::Answer { number, answer, .. } => {
                arena.lab.api.faults.add(Rule::on(|_| true, answer.fault()).after(*number).times(answer.times()));
                let ran = finish(arena.start()).await?;
                let reached = arena.lab.api.faults.are_spent();
                let ran = truth(arena, ran, answer.may_end_with(), None).await?;
                Ok(Played { end: arena.judge(&ran.0, ran.1).await?, reached })
            }
            Self::Statement { tenth } => {
                let count = statement::count(arena).await?;
                let ran = statement::run(arena, (count * tenth / 10).max(1)).await?;
                rolled_back(arena, &ran).await
            }
            Self::Rows { tenth } => {
                let ran = statement::run_without_rows(arena, *tenth).await?;
                rolled_back(arena, &ran).await
            }
            Self::DiskFull { tenth } => {
                let ran = disk::run(arena, *tenth).await?;
                rolled_back(arena, &ran).await
            }
            Self::VolumeFull { tenth } => {
                let ran = volume::run(arena, *tenth).await?;
                rolled_back(arena, &ran).await
            }
            Self::Watchdog { number, answer, .. } => {
                let (ran, reached) = watchdog::under(arena, *number, *answer).await?;
                Ok(Played { end: arena.judge(&ran, true).await?, reached })
            }
            Self::Trouble { place, trouble } => struck(arena, place, *trouble).await,
        }
    }
}

async fn struck(arena: &mut Arena, place: &Place, trouble: Trouble) -> Result<Played, String> {
    let hold = place.prepare(arena);
    let mut child = arena.start();
    let reached = tokio::select! {
        _ = child.wait() => false,
        () = hold.reached(arena) => true,
    };
    let ran = match reached {
        true => trouble.strike(arena, &hold, child).await,
        false => finish(child).await,
    };
    hold.release(arena);
    let (ran, repaired) = truth(arena, ran?, trouble.may_end_with(), Some(trouble)).await?;
    if reached {
        hold.comes_late(arena).await?;
    }
    let repaired = repaired || reached && trouble.ends_with_recover();
    Ok(Played { end: arena.judge(&ran, repaired).await?, reached })
}

/// A restore that failed cannot have committed.
async fn rolled_back(arena: &mut Arena, ran: &Ran) -> Result<Played, String> {
    match arena.judge(ran, false).await? {
        End::AsBefore => Ok(Played { end: End::AsBefore, reached: true }),
        End::Refreshed => Err(format!("committed although it failed:\n{}", ran.stderr)),
    }
}

/// Is the exit code one that can be true here? After a 3 that is said, `recover` must do the rest.
async fn truth(arena: &mut Arena, ran: Ran, may: &[i32], trouble: Option<Trouble>) -> Result<(Ran, bool), String> {
    if !may.contains(&ran.code) {
        return Err(format!("exit code {}:\n{}", ran.code, ran.stderr));
    }
    if ran.code != 3 {
        return Ok((ran, false));
    }
    if !ran.stderr.contains("NOT put back: ") || !ran.stderr.contains("sandbox-lifecycle recover") {
        return Err(format!("exit code 3, and nothing is said:\n{}", ran.stderr));
    }
    if let Some(trouble) = trouble {
        trouble.mend(arena).await;
    }
    Ok((arena.run(&["recover"]).await?, true))
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement { tenth } => write!(f, "a statement fails, {tenth} tenths of the restore"),
            Self::Rows { tenth } => write!(f, "a table takes no rows, {tenth} tenths of the tables"),
            Self::VolumeFull { tenth } => write!(f, "golden volume full, room for {tenth} tenths of a checkpoint"),
            Self::DiskFull { tenth } => write!(f, "disk full, room for {tenth} tenths of the restore"),
            Self::Answer { number, line, answer } => write!(f, "{answer} at request {number} ({line})"),
            Self::Trouble { place, trouble } => write!(f, "{trouble} {place}"),
            Self::Watchdog { number, line, .. } => write!(f, "{} at its request {number} ({line})", self.kind()),
        }
    }
}
