//! What is found after the last pass, and who is to blame for it.
use super::super::delta::diff;
use super::super::manifest::{Parser, Time};
use super::*;
use std::collections::HashMap;

/// `./m`, and files in it: name, size, mtime, ctime.
fn manifest(files: &[(&str, u64, i64, i64)]) -> Manifest {
    let mut text = "head printf gnu 1 0 33 33\0d 755 0 1.0 1.0\0./m\0\0".to_owned();
    for (name, size, mtime, ctime) in files {
        text.push_str(&format!("f 644 {size} {mtime}.0 {ctime}.0\0./m/{name}\0\0"));
    }
    text.push_str("end\0");
    let mut parser = Parser::default();
    parser.feed(text.as_bytes()).expect("records");
    parser.finish(&["m".to_owned()]).expect("a whole list")
}

/// A pass that sent all files of `before` to an empty target; `grown` went through with another size and time.
fn sent(before: Manifest, grown: Option<(&str, u64, i64)>, lost: Option<&str>) -> Pass {
    let delta = diff(&before, &manifest(&[]), |_| false);
    let at = |name: &str| before.position(format!("./m/{name}").as_bytes()).expect("listed");
    let mut arrived = vec![true; before.entries().len()];
    if let Some(name) = lost {
        arrived[at(name)] = false;
    }
    let otherwise = grown.map(|(name, size, seconds)| {
        let mtime = Time { seconds, nanos: 0 };
        (at(name), Sent { mode: 0o644, size, mtime, link: Vec::new() })
    });
    let otherwise: HashMap<_, _> = otherwise.into_iter().collect();
    Pass::new(before, &delta, Passed { arrived, otherwise, bytes: 0 })
}

fn judged(pass: &Pass, source: &Manifest, target: &Manifest) -> Result<Vec<String>> {
    let torn = |path: &[u8]| pass.read_while_changing(source, path);
    pass.judge(source, target, &diff(source, target, torn), torn)
}

const BEFORE: [(&str, u64, i64, i64); 2] = [("a", 5, 10, 10), ("b", 5, 10, 10)];

#[test]
fn what_production_wrote_later_is_counted_and_no_failure() {
    let pass = sent(manifest(&BEFORE), None, None);
    let later = manifest(&[("a", 9, 20, 20), ("new", 1, 20, 20)]);
    let names = judged(&pass, &later, &manifest(&BEFORE)).expect("the target holds what was sent");
    assert_eq!(names, ["m/a", "m/b", "m/new"]);
}

#[test]
fn a_file_that_changed_while_it_was_read_is_counted_as_it_went_through() {
    let pass = sent(manifest(&BEFORE), Some(("a", 7, 15)), None);
    let later = manifest(&[("a", 9, 20, 20), ("b", 5, 10, 10)]);
    let names = judged(&pass, &later, &manifest(&[("a", 7, 15, 30), ("b", 5, 10, 30)]));
    assert_eq!(names.expect("as it was sent"), ["m/a"]);
    assert!(judged(&pass, &later, &manifest(&[("a", 5, 10, 30), ("b", 5, 10, 30)])).is_err());
}

#[test]
fn a_write_that_kept_size_and_time_is_known_by_the_ctime() {
    let pass = sent(manifest(&BEFORE), None, None);
    let later = manifest(&[("a", 5, 10, 20), ("b", 5, 10, 10)]);
    assert_eq!(judged(&pass, &later, &manifest(&BEFORE)).expect("as it was sent"), ["m/a"]);
}

#[test]
fn a_target_that_holds_something_else_is_a_failure_with_the_path() {
    let pass = sent(manifest(&BEFORE), None, None);
    for wrong in [
        &[("a", 4, 10, 30), ("b", 5, 10, 30)][..],
        &[("a", 5, 11, 30), ("b", 5, 10, 30)],
        &[("b", 5, 10, 30)],
        &[("a", 5, 10, 30), ("b", 5, 10, 30), ("stray", 1, 1, 1)],
    ] {
        let error = judged(&pass, &manifest(&BEFORE), &manifest(wrong)).expect_err("not what was sent");
        assert!(error.to_string().contains("m/a") || error.to_string().contains("m/stray"), "{error}");
    }
}

#[test]
fn a_file_that_vanished_before_it_was_read_is_no_failure() {
    let pass = sent(manifest(&BEFORE), None, Some("a"));
    let target = manifest(&[("b", 5, 10, 30)]);
    assert_eq!(judged(&pass, &manifest(&BEFORE), &target).expect("not the target's fault"), ["m/a"]);
}
