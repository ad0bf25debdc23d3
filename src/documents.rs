//! Document trees as data, no I/O: what a pod holds, what differs between two pods, the archive and the frames it travels in.
//!
//! Trees are always relative to the documents root and travel as `./tree/…`, so that no name looks like an option or an absolute path.
pub mod archive;
pub mod complaints;
pub mod delta;
pub mod excluded;
pub mod frames;
pub mod manifest;
pub mod sieve;
pub mod verdict;

use anyhow::{Result, ensure};

/// Lists the trees; its head documents records and exit codes.
pub const MANIFEST_SCRIPT: &str = include_str!("jobs/documents-manifest.sh");
/// Lists them, and again as often as it is told to, and receives between.
pub const LISTER_SCRIPT: &str = include_str!("jobs/documents-lister.sh");
/// Says the sums of the named files.
pub const SUMS_SCRIPT: &str = concat!(include_str!("jobs/unframe.sh"), include_str!("jobs/documents-sums.sh"));
/// Writes the named members as tar archives.
pub const SEND_SCRIPT: &str = concat!(include_str!("jobs/unframe.sh"), include_str!("jobs/documents-send.sh"));
/// Writes a whole root as one tar archive.
pub const ARCHIVE_SCRIPT: &str = include_str!("jobs/documents-archive.sh");
/// Removes and extracts in the target.
pub const RECEIVE_SCRIPT: &str = concat!(include_str!("jobs/unframe.sh"), include_str!("jobs/documents-receive.sh"));

/// The trees to copy, checked: relative, inside the root, none within another.
///
/// # Errors
/// A tree that is not such; the sentence names it.
pub fn trees(names: &[String]) -> Result<Vec<String>> {
    ensure!(!names.is_empty(), "no documents tree to copy");
    let mut trees: Vec<String> = names.iter().map(|name| name.trim_end_matches('/').to_owned()).collect();
    trees.sort();
    trees.dedup();
    for tree in &trees {
        let inside = tree.split('/').all(|part| !matches!(part, "" | "." | ".."));
        ensure!(
            inside && !tree.contains(['\0', '\n']),
            "documents tree {tree:?} must be a path inside the documents root"
        );
    }
    for tree in &trees {
        let within =
            trees.iter().find(|other| tree.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/')));
        ensure!(
            within.is_none(),
            "documents tree {tree:?} lies within {:?}: name only one of them",
            within.map_or("", |w| w)
        );
    }
    Ok(trees)
}

/// A script as it is sent: the URL of an exec is logged by proxies and limited in length, so comments stay at home.
pub fn sent(script: &str) -> String {
    let code = script.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    code.collect::<Vec<_>>().join("\n")
}

/// What a script's exit code means, for a sentence that begins with the pod.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        10 => "the documents root is not there (set --documents-root)",
        11 => "a documents tree is not a plain directory",
        12 => "the documents could not be listed completely",
        13 => {
            "find is missing, or it knows neither -printf nor -exec stat -c: use an image with GNU findutils or busybox"
        }
        14 => "tar is missing: use an image that has it",
        20 => "the list of files to read was cut",
        22 => "tar could not read everything",
        30 => "the stream of files was cut",
        31 => "an old file could not be removed",
        32 => "tar could not write everything",
        126 | 127 => "a program that the copy needs (sh, find, tar, dd, xargs) is missing there",
        _ => return None,
    })
}

/// A path for a message: control characters and stray bytes made visible.
pub fn shown(path: &[u8]) -> String {
    path.strip_prefix(b"./").unwrap_or(path).utf8_chunks().fold(String::new(), |mut text, chunk| {
        for c in chunk.valid().chars() {
            match c.is_control() {
                true => text.extend(c.escape_default()),
                false => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn trees_stay_inside_the_root_and_outside_each_other() {
        assert_eq!(trees(&owned(&["mycompany/", "a b"])).expect("both are fine"), ["a b", "mycompany"]);
        for bad in [&[][..], &[""], &["/etc"], &["."], &["a/../b"], &["a//b"], &["a", "a/b"], &["a\nb"]] {
            assert!(trees(&owned(bad)).is_err(), "{bad:?}");
        }
        assert!(trees(&owned(&["a", "ab"])).is_ok());
    }

    #[test]
    fn names_are_shown_without_control_characters() {
        assert_eq!(shown(b"./a\nb\xff\xc3\xa9"), "a\\nb\\xff\u{e9}");
    }

    #[test]
    fn every_documented_exit_code_has_a_sentence() {
        for script in [MANIFEST_SCRIPT, LISTER_SCRIPT, SUMS_SCRIPT, SEND_SCRIPT, ARCHIVE_SCRIPT, RECEIVE_SCRIPT] {
            let header = script.lines().take_while(|line| line.starts_with('#'));
            let codes = header.skip_while(|line| *line != "# Exit codes:").skip(1);
            for line in codes {
                let code: i32 = line[1..].split_whitespace().next().and_then(|word| word.parse().ok()).expect("a code");
                assert!(meaning(code).is_some() || matches!(code, 0 | 21), "{line}");
            }
        }
    }

    #[test]
    fn a_sent_script_is_short_and_has_no_comments() {
        for script in [MANIFEST_SCRIPT, LISTER_SCRIPT, SUMS_SCRIPT, SEND_SCRIPT, ARCHIVE_SCRIPT, RECEIVE_SCRIPT] {
            let text = sent(script);
            assert!(text.len() < 3000, "{}", text.len());
            assert!(!text.contains("\n#"));
        }
        // What nginx takes for a request's line, unless it is told otherwise.
        let together = [LISTER_SCRIPT, MANIFEST_SCRIPT, SUMS_SCRIPT, RECEIVE_SCRIPT].map(sent).concat();
        let encoded: usize = together.bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum();
        assert!(encoded < 8000, "{encoded}");
    }
}
