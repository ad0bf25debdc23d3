//! Streams that the scripts in the Pods take: a line `SIZE COUNT`, so many bytes, until `end`. What is cut or bent is no success.

use super::bent;
use proptest::prelude::*;
use sandbox_lifecycle::documents::frames::{Framer, ROOM, message};
use sandbox_lifecycle::golden::manifest::sha256;
use sandbox_lifecycle::jobs::RECEIVE_FILE;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// With what a script could take for its own frames.
const FILE: &[u8] = b"3 1\nabc\nend\n\x00\xff 65536 64\nend\nand so on";

/// As it is sent, in chunks of several sizes.
fn framed() -> Vec<u8> {
    let mut framer = Framer::default();
    let mut chunks = Vec::new();
    for piece in FILE.chunks(13) {
        chunks.extend(framer.push(piece));
        let last = framer.end();
        chunks.extend(last.into_iter().filter(|chunk| chunk[0] != message(b"end\n")));
    }
    chunks.extend(framer.end());
    chunks.iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect()
}

fn run(script: &str, arguments: &[&str], env: (&str, &Path), input: &[u8]) -> Output {
    let mut child = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(arguments)
        .env(env.0, env.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh runs");
    // It may refuse before it has read all.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("its end")
}

/// What was received of such a stream, or the exit code.
fn received(stream: &[u8]) -> Result<Vec<u8>, Option<i32>> {
    let directory = tempfile::tempdir().expect("a directory");
    let arguments = ["source.dump", &FILE.len().to_string(), &sha256(FILE)];
    let output = run(RECEIVE_FILE, &arguments, ("SET_DIR", directory.path()), stream);
    let file = std::fs::read(directory.path().join("source.dump")).ok();
    assert_eq!(output.status.success(), file.is_some(), "it has its name only in the end: {output:?}");
    file.ok_or(output.status.code())
}

#[test]
fn a_file_that_is_cut_anywhere_is_known_to_be_cut() {
    let stream = framed();
    assert_eq!(received(&stream).as_deref(), Ok(FILE));
    for cut in 0..stream.len() {
        assert_eq!(received(&stream[..cut]), Err(Some(53)), "cut at {cut}, before any sum is looked at");
    }
}

proptest! {
    // Each is a handful of processes.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_bent_stream_is_received_as_it_was_meant_or_not_at_all(stream in bent(framed())) {
        let file = received(&stream);
        prop_assert!(file.is_err() || file.as_deref() == Ok(FILE));
    }
}
