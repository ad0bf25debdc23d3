//! `tests/bench`: what the tool takes beside the same work by hand, by turns in one run. It reports; it does not judge:
//! a target that is missed is said, only a run that fails fails the benchmark.
#![allow(clippy::print_stdout)]
mod backup;
mod binary;
mod cluster;
mod database;
mod documents;
mod engine;
mod figures;
/// As the tests of the scripts run them; they use more of it.
#[allow(dead_code)]
#[path = "scripts/run.rs"]
mod job;
mod large;
mod rehearsal;
mod relay;
mod upload;

/// How often each thing is measured; medians are printed.
const ROUNDS: usize = 5;

/// The exit code; panics when a run fails.
pub(crate) async fn bench(words: &[&str]) -> u8 {
    if words.contains(&"--cluster") {
        return cluster::cluster(words).await;
    }
    if cfg!(debug_assertions) {
        println!("A debug build: its figures say nothing. tests/bench makes a release build.");
    }
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let place = std::env::temp_dir();
    println!("The lab on {processors} processors, its files in {}; medians of {ROUNDS} (from … to).", place.display());
    if words.contains(&"--rehearsal") {
        rehearsal::measure().await;
        return 0;
    }
    if words.contains(&"--large") {
        large::measure();
        return 0;
    }
    if words.contains(&"--backup") {
        backup::measure().await;
        return 0;
    }
    binary::measure();
    database::measure().await;
    engine::measure();
    rehearsal::measure().await;
    documents::measure().await;
    backup::measure().await;
    0
}
