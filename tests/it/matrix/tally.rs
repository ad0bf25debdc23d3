//! Which cases are played, on how many worlds at once, and how many were survived.

use super::arena::{Arena, End};
use super::case::{Case, Played};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Two cores are what the project's CI has.
const WORLDS: usize = 2;

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

/// All of them with ALL_FAULTS, else `few` of each kind: evenly spread, from a place that FAULT_SEED moves.
fn sample(cases: Vec<Case>, few: usize) -> Vec<Case> {
    if std::env::var_os("ALL_FAULTS").is_some() {
        return cases;
    }
    let seed: usize = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut kinds: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| !case.is_slow()) {
        kinds.entry(case.kind()).or_default().push(case);
    }
    let spread = kinds.into_values().enumerate().flat_map(|(kind, cases)| {
        let (all, few) = (cases.len(), few.min(cases.len()));
        // Each kind begins elsewhere, so that together they come by every place.
        let first = (seed * 7 + kind * 3) % (all / few.max(1)).max(1);
        let wanted: Vec<usize> = (0..few).map(|nth| (first + nth * all / few) % all).collect();
        cases.into_iter().enumerate().filter(move |(at, _)| wanted.contains(at)).map(|(_, case)| case)
    });
    tell(&format!("a sample by FAULT_SEED={seed}; tests/run --all-faults plays every case"));
    spread.collect()
}

/// Plays the cases and fails with all that were not survived.
pub(super) async fn play(name: &str, cases: Vec<Case>, few: usize) {
    let cases = Arc::new(Mutex::new(VecDeque::from(sample(cases, few))));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let players = (0..WORLDS).map(|_| tokio::spawn(play_on(cases.clone(), tally.clone())));
    for player in players.collect::<Vec<_>>() {
        player.await.expect("no panic in a case");
    }
    let tally = tally.lock().expect("no panic in a case");
    let mut lines = vec![format!("{name}: cases, survived (of these refreshed; fault not reached)")];
    for (kind, count) in &tally.counts {
        let Count { cases, survived, refreshed, untouched } = count;
        lines.push(format!("  {kind:<40} {cases:>4} {survived:>4}  ({refreshed}; {untouched})"));
    }
    tell(&lines.join("\n"));
    assert!(tally.failures.is_empty(), "{} failures:\n{}", tally.failures.len(), tally.failures.join("\n\n"));
}

async fn play_on(cases: Arc<Mutex<VecDeque<Case>>>, tally: Arc<Mutex<Tally>>) {
    let mut arena = Arena::new().await;
    loop {
        let next = cases.lock().expect("no panic here").pop_front();
        let Some(case) = next else { return };
        let played = case.play(&mut arena).await;
        if played.is_err() {
            // Whatever is wrong there must not be held against the next case.
            arena = Arena::new().await;
        }
        tally.lock().expect("no panic here").add(&case, played);
    }
}

impl Tally {
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
        let by_now: usize = self.counts.values().map(|count| count.cases).sum();
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
