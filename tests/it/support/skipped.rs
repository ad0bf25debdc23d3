//! Tests for which something is not at hand here: that they did nothing is said.
use std::io::{Write, stderr};

/// What is not there. Past the harness, which would keep the words of a test that passes to itself.
pub(crate) fn skipped(without: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(stderr(), "skipped: {test}: {without}").expect("stderr is open");
}
