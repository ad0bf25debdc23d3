//! What the golden volume's scripts print, parsed.
use super::manifest::Checkpoint;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// A checkpoint that there is, or one by that name that cannot be used and why.
pub type Shelved = (String, Result<Checkpoint, String>);

/// The manifests of a list, and what comes behind its end.
///
/// # Errors
/// The list is cut.
pub fn manifests(mut output: &[u8]) -> Result<(Vec<Shelved>, &[u8])> {
    let mut found = Vec::new();
    loop {
        let (line, rest) = line(output)?;
        if line == "end" {
            return Ok((found, rest));
        }
        let mut words = line.split(' ');
        let (name, length) = match (words.next(), words.next(), words.next()) {
            (Some("manifest"), Some(name), Some(length)) => (name, length.parse::<usize>()?),
            _ => anyhow::bail!("cannot read the list of checkpoints at {line:?}"),
        };
        ensure!(rest.len() > length, "the list of checkpoints was cut");
        found.push((name.to_owned(), Checkpoint::open(&rest[..length]).and_then(|one| is(one, name))));
        output = &rest[length + 1..];
    }
}

/// A link may have been moved by hand.
fn is(checkpoint: Checkpoint, name: &str) -> Result<Checkpoint, String> {
    match checkpoint.name == name {
        true => Ok(checkpoint),
        false => Err(format!("its manifest is that of {}", checkpoint.name)),
    }
}

fn line(output: &[u8]) -> Result<(&str, &[u8])> {
    let end = output.iter().position(|&byte| byte == b'\n').context("the list of checkpoints was cut")?;
    Ok((str::from_utf8(&output[..end]).context("the list of checkpoints is not text")?, &output[end + 1..]))
}

/// `SHA256  PATH` lines; whatever else there is, is left.
pub fn sums(output: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(output);
    let pairs = text.lines().filter_map(|line| line.split_once("  "));
    pairs.filter(|(sum, _)| sum.len() == 64).map(|(sum, path)| (path.to_owned(), sum.to_owned())).collect()
}

/// The sum of `BYTES PATH` lines, without their total.
pub fn bytes(output: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(output);
    let sizes = text.lines().filter_map(|line| line.trim_start().split_once(' '));
    sizes.filter(|(_, path)| *path != "total").filter_map(|(size, _)| size.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::manifest::sha256;

    #[test]
    fn a_list_is_read_to_its_end_and_a_damaged_manifest_is_one_of_its_entries() {
        let golden = Checkpoint { name: "golden".to_owned(), ..Checkpoint::default() }.seal().expect("JSON");
        let list = format!(
            "manifest golden {}\n{golden}\nmanifest bad 3\na\nb\nmanifest moved {}\n{golden}\nend\nrest",
            golden.len(),
            golden.len()
        );
        let (found, rest) = manifests(list.as_bytes()).expect("a list");
        assert_eq!(rest, b"rest");
        let names: Vec<(&str, bool)> = found.iter().map(|(name, one)| (name.as_str(), one.is_ok())).collect();
        assert_eq!(names, [("golden", true), ("bad", false), ("moved", false)]);
        for cut in [0, 5, 40, list.len() - 6] {
            assert!(manifests(&list.as_bytes()[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn sums_and_sizes_are_told_apart() {
        let output = format!("{}  database/a b\n   12 database/a b\n 3 documents.sha256\n15 total\n", sha256(b"x"));
        assert_eq!(sums(output.as_bytes()), BTreeMap::from([("database/a b".to_owned(), sha256(b"x"))]));
        assert_eq!(bytes(output.as_bytes()), 15);
    }
}
