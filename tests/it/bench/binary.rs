//! The release binary: how fast it starts, how big it is.
use super::figures::{Figures, Target, heading, line};
use std::process::{Command, Stdio};
use std::time::Instant;

const STARTS: usize = 50;
const BINARY: &str = env!("CARGO_BIN_EXE_sandbox-lifecycle");

pub(super) fn measure() {
    heading("The binary");
    // The first one reads it from the disk.
    start();
    let mut times = Figures::default();
    (0..STARTS).for_each(|_| times.add(start()));
    line(&format!("start-up: --help, {STARTS} times"), &times, 1, "ms", &Target::AtMost(15.0));
    let mut size = Figures::default();
    size.add(std::fs::metadata(BINARY).expect("the binary").len() as f64 / 1e6);
    line("size", &size, 1, "MB", &Target::AtMost(15.0));
}

/// Milliseconds.
fn start() -> f64 {
    let started = Instant::now();
    let status = Command::new(BINARY).arg("--help").env_clear().stdout(Stdio::null()).status().expect("it starts");
    assert!(status.success(), "--help: {status}");
    started.elapsed().as_secs_f64() * 1e3
}
