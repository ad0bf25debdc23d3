//! Which cases are played, on how many worlds at once, and how many were survived.

use super::arena::{Arena, End};
use super::case::{Case, Played};
use super::piece::Piece;
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two cores are what the project's CI has.
const WORLDS: usize = 2;
/// After this a sample begins no further case, whatever else the machine has to do. The groups share two cores, two at a time.
const SAMPLE_LIMIT: Duration = Duration::from_secs(40);

/// Cases and survivors of one kind; of those, how many ended with the new content.
#[derive(Clone, Debug, Default)]
struct Count {
    cases: usize,
    survived: usize,
    refreshed: usize,
    /// The fault's place was not reached: the run needed fewer requests than the one that was counted.
    untouched: usize,
}

#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<String, Count>,
    failures: Vec<String>,
}

/// What is played together, and told together.
pub(super) struct Group {
    name: &'static str,
    piece: Piece,
}

impl Group {
    pub(super) fn of(name: &'static str, piece: Piece) -> Self {
        Self { name, piece }
    }

    /// Plays all of them with ALL_FAULTS, those whose name contains FAULT_ONLY, or else `few` of each kind; and fails with those
    /// that were not survived.
    pub(super) async fn play(self, cases: Vec<Case>, few: usize) {
        let Some(cases) = self.chosen(cases, few) else { return };
        let cases = Arc::new(Mutex::new(cases));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let players = (0..WORLDS).map(|_| tokio::spawn(play_on(self.piece, cases.clone(), tally.clone())));
        for player in players.collect::<Vec<_>>() {
            player.await.expect("no panic in a case");
        }
        let left = cases.lock().expect("no panic in a case").cases.len();
        let tally = tally.lock().expect("no panic in a case");
        tell(&format!(
            "{}{}",
            self.told(&tally),
            if left > 0 { format!("\n  time is over: {left} more were not played") } else { String::new() }
        ));
        assert!(tally.cases() > 0, "no case was played");
        assert!(tally.failures.is_empty(), "{} failures:\n{}", tally.failures.len(), tally.failures.join("\n\n"));
    }

    fn chosen(&self, cases: Vec<Case>, few: usize) -> Option<Program> {
        let forever = |cases| Some(Program { cases, limit: None, began: None });
        if let Ok(only) = std::env::var("FAULT_ONLY") {
            let cases: VecDeque<Case> = cases.into_iter().filter(|case| case.to_string().contains(&only)).collect();
            tell(&format!("{}: {} cases whose name contains {only:?}", self.name, cases.len()));
            return forever(cases).filter(|program| !program.cases.is_empty());
        }
        if std::env::var_os("ALL_FAULTS").is_some() {
            return forever(cases.into());
        }
        let seed: usize = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        let cases = sample(cases, few, seed);
        let (name, count) = (self.name, cases.len());
        tell(&format!(
            "{name}: a sample of {count} cases by FAULT_SEED={seed}; tests/run --all-faults plays every case"
        ));
        Some(Program { cases, limit: Some(SAMPLE_LIMIT), began: None })
    }

    fn told(&self, tally: &Tally) -> String {
        let (cases, survived) = (tally.cases(), tally.cases() - tally.failures.len());
        let mut lines = vec![format!("{}: {cases} cases, {survived} survived", self.name)];
        lines.push(format!("  {:<60} cases survived (of these refreshed; fault not reached)", "of which"));
        for (kind, count) in &tally.counts {
            let Count { cases, survived, refreshed, untouched } = count;
            lines.push(format!("  {kind:<60} {cases:>5} {survived:>8} ({refreshed}; {untouched})"));
        }
        lines.join("\n")
    }
}

/// What is still to be played, and for how long.
struct Program {
    cases: VecDeque<Case>,
    limit: Option<Duration>,
    /// When the first one was: however long a world takes to be made, one is played.
    began: Option<Instant>,
}

impl Program {
    /// The next one, if there is time for it.
    fn next(&mut self) -> Option<Case> {
        let began = *self.began.get_or_insert_with(Instant::now);
        let is_over = self.limit.is_some_and(|limit| began.elapsed() >= limit);
        if is_over { None } else { self.cases.pop_front() }
    }
}

/// `few` of each kind, evenly spread, from a place that the seed moves; the first of each kind come first, and which kind is the
/// first one of all is the seed's as well.
fn sample(cases: Vec<Case>, few: usize, seed: usize) -> VecDeque<Case> {
    let mut kinds: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| !case.is_slow()) {
        kinds.entry(case.kind()).or_default().push(case);
    }
    let mut sampled = Vec::new();
    let kinds_there_are = kinds.len();
    for (kind, cases) in kinds.into_values().enumerate() {
        let (all, few) = (cases.len(), few.min(cases.len()));
        // Each kind begins elsewhere, so that together they come by every place.
        let first = (seed * 7 + kind * 3) % (all / few.max(1)).max(1);
        let turn = (kind + seed * 5) % kinds_there_are;
        sampled.extend((0..few).map(|nth| ((nth, turn), cases[(first + nth * all / few) % all].clone())));
    }
    sampled.sort_by_key(|(turn, _)| *turn);
    sampled.into_iter().map(|(_, case)| case).collect()
}

async fn play_on(piece: Piece, cases: Arc<Mutex<Program>>, tally: Arc<Mutex<Tally>>) {
    let mut arena = Arena::new(piece).await;
    loop {
        let next = cases.lock().expect("no panic here").next();
        let Some(case) = next else { return };
        let played = case.play(&mut arena).await;
        if played.is_err() {
            // Whatever is wrong there must not be held against the next case.
            arena = Arena::new(piece).await;
        }
        tally.lock().expect("no panic here").add(&case, played);
    }
}

impl Tally {
    fn cases(&self) -> usize {
        self.counts.values().map(|count| count.cases).sum()
    }

    fn add(&mut self, case: &Case, played: Result<Played, String>) {
        let count = self.counts.entry(case.kind()).or_default();
        count.cases += 1;
        match played {
            Ok(played) => {
                count.survived += 1;
                count.refreshed += usize::from(played.end == End::Refreshed);
                count.untouched += usize::from(!played.reached);
            }
            Err(what) => {
                let failure = format!("{case}: {what}");
                // At once: all of them take an hour.
                tell(&format!("NOT survived: {failure}"));
                self.failures.push(failure);
            }
        }
        let by_now = self.cases();
        if by_now.is_multiple_of(100) {
            tell(&format!("{by_now} cases have been played"));
        }
    }
}

/// Past the harness, which keeps a passing test's output to itself.
fn tell(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{text}");
}
