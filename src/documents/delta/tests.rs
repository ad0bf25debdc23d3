//! The comparison of two manifests, written as the script writes them.
use super::super::manifest::Parser;
use super::*;

/// Entries `type mode size mtime ctime path [link]`.
fn manifest(head: &str, entries: &[&str]) -> Manifest {
    let mut text = format!("head {head} 100 0 33 33\0");
    for entry in entries {
        let words: Vec<&str> = entry.splitn(7, ' ').collect();
        text.push_str(&format!("{}\0./{}\0{}\0", words[..5].join(" "), words[5], words.get(6).unwrap_or(&"")));
    }
    text.push_str("end\0");
    let mut parser = Parser::default();
    parser.feed(text.as_bytes()).expect("records");
    parser.finish(&["m".to_owned()]).expect("a whole list")
}

fn gnu(entries: &[&str]) -> Manifest {
    manifest("printf gnu", entries)
}

fn sent<'a>(source: &'a Manifest, delta: &Delta) -> Vec<&'a str> {
    delta.send.iter().map(|&at| str::from_utf8(source.path(&source.entries()[at])).expect("text")).collect()
}

const TREE: [&str; 6] = [
    "d 755 0 10.5 1 m",
    "d 755 0 10.5 1 m/a",
    "f 644 3 10.123456789 1 m/a-b",
    "f 644 3 10.123456789 1 m/a/f",
    "l 777 1 10.1 1 m/l t",
    "s 644 0 10.1 1 m/s",
];

#[test]
fn equal_trees_have_no_work() {
    let delta = diff(&gnu(&TREE), &gnu(&TREE), |_| false);
    assert!(delta.is_empty());
    assert_eq!((delta.unchanged, delta.special), (3, 1));
}

#[test]
fn a_changed_file_is_sent_with_its_directory_in_front_of_it_or_behind() {
    let source = gnu(&TREE);
    let mut old = TREE.to_vec();
    old[3] = "f 644 3 10.123456788 1 m/a/f";
    let delta = diff(&source, &gnu(&old), |_| false);
    assert_eq!(sent(&source, &delta), ["./m/a", "./m/a/f"]);
    assert_eq!((delta.touched, delta.unchanged), (1, 2));
    let delta = diff(
        &source,
        &manifest("printf other", &["d 755 0 10.5 1 m", "d 755 0 10.5 1 m/a", "f 644 4 10 1 m/a/f"]),
        |_| false,
    );
    assert_eq!(sent(&source, &delta), ["./m/a-b", "./m/a/f", "./m/l", "./m/a", "./m"]);
}

#[test]
fn directories_come_right_before_their_content() {
    let source = gnu(&TREE);
    let delta = diff(&source, &gnu(&["d 755 0 9 1 m"]), |_| false);
    assert_eq!(sent(&source, &delta), ["./m", "./m/a", "./m/a/f", "./m/a-b", "./m/l"]);
}

#[test]
fn what_is_gone_or_of_another_type_is_removed_once_and_its_directory_unlocked() {
    let source = gnu(&["d 755 0 10 1 m", "d 555 0 10 1 m/a", "f 644 1 10 1 m/x"]);
    let target = gnu(&[
        "d 755 0 10 1 m",
        "d 555 0 10 1 m/a",
        "d 755 0 1 1 m/a/old",
        "f 644 1 1 1 m/a/old/f",
        "l 777 1 1 1 m/x /etc",
    ]);
    let delta = diff(&source, &target, |_| false);
    let names = |part: &[usize]| part.iter().map(|&at| target.path(&target.entries()[at]).to_vec()).collect::<Vec<_>>();
    assert_eq!(names(&delta.remove), [&b"./m/a/old"[..], b"./m/x"]);
    assert_eq!(delta.removed, 2);
    assert_eq!(names(&delta.unlock), [b"./m/a"]);
    assert_eq!(sent(&source, &delta), ["./m", "./m/a", "./m/x"]);
}

#[test]
fn times_are_compared_as_exactly_as_both_ends_know_them() {
    let same = |new: &Manifest, old: &Manifest| diff(new, old, |_| false).is_empty();
    let at = |head: &str, mtime: &str| manifest(head, &["d 755 0 10 1 m", &format!("f 644 1 {mtime} 1 m/f")]);
    assert!(!same(&at("printf gnu", "10.5"), &at("printf gnu", "10.6")));
    assert!(same(&at("printf gnu", "10.123456789"), &at("printf gnu", "10.1234567000")), "a file system with 100 ns");
    assert!(same(&at("printf gnu", "10.5"), &at("printf gnu", "10")), "a file system with seconds");
    assert!(same(&at("printf gnu", "10.5"), &at("printf other", "10.6")), "a tar that knows only seconds");
    assert!(!same(&at("printf gnu", "10.5"), &at("printf other", "11.5")));
}

#[test]
fn a_file_that_may_have_been_written_to_while_it_was_read_is_known() {
    let entry = |head: &str, text: &str| {
        let manifest = manifest(head, &["d 755 0 10 1 m", text]);
        let found = *manifest.find(b"./m/f").expect("listed");
        (manifest, found)
    };
    let (before, old) = entry("printf gnu", "f 644 1 10 50.5 m/f");
    assert!(!stirred(&before, &old, &old));
    assert!(stirred(&before, &old, &entry("printf gnu", "f 644 1 10 50.6 m/f").1), "only the ctime tells");
    let (before, old) = entry("printf other", "f 644 1 10 99.0 m/f");
    assert!(stirred(&before, &old, &old), "the clock said 100 when it was listed: seconds cannot tell");
}
