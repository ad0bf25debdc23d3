//! Backup sets as data, no I/O: their names, their manifest, the seal of those that are encrypted, and what a dump has in it.
pub mod manifest;
pub mod seal;
pub mod toc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A set's name: when it was begun, in UTC, and the run's id, so that no two are the same.
pub fn id(at: Timestamp, run: &str) -> String {
    let time = TimeZone::UTC.to_datetime(at);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z-{run}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// When the set was begun, if this is the name of one.
pub fn begun(id: &str) -> Option<Timestamp> {
    let (time, run) = id.split_once('-')?;
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.to_owned());
    let (day, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let (day, clock) = (digits(day).filter(|day| day.len() == 8)?, digits(clock).filter(|clock| clock.len() == 6)?);
    let text = format!("{}-{}-{}T{}:{}:{}Z", &day[..4], &day[4..6], &day[6..], &clock[..2], &clock[2..4], &clock[4..]);
    hex(run).then(|| text.parse().ok()).flatten()
}

/// What an object of a set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Dump,
    /// What a restore needs beside the dump.
    Extras,
    Documents,
    Manifest,
    /// Read back whole.
    Read,
    /// Restored, and found equal.
    Restored,
}

impl Part {
    /// Its key below `PREFIX/ENV/`.
    pub fn key(self, id: &str, encrypted: bool) -> String {
        let age = if encrypted { ".age" } else { "" };
        match self {
            Self::Dump => format!("db/{id}.dump{age}"),
            Self::Extras => format!("db/{id}.set.json{age}"),
            Self::Documents => format!("docs/{id}.tar{age}"),
            Self::Manifest => format!("{id}.json"),
            Self::Read => format!("{id}.read.json"),
            Self::Restored => format!("{id}.restored.json"),
        }
    }

    /// The part, and the set's name, of a key below `PREFIX/ENV/`; `None` for what is no part of any set.
    pub fn of(key: &str) -> Option<(Self, &str)> {
        let bare = key.strip_suffix(".age").unwrap_or(key);
        let suffixes = [
            (Self::Extras, "db/", ".set.json"),
            (Self::Dump, "db/", ".dump"),
            (Self::Documents, "docs/", ".tar"),
            (Self::Read, "", ".read.json"),
            (Self::Restored, "", ".restored.json"),
            (Self::Manifest, "", ".json"),
        ];
        let found = suffixes
            .into_iter()
            .find_map(|(part, directory, suffix)| Some((part, bare.strip_prefix(directory)?.strip_suffix(suffix)?)));
        found.filter(|(_, id)| begun(id).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_when_its_set_was_begun() {
        let at: Timestamp = "2026-01-15T02:03:04Z".parse().expect("a time");
        let id = id(at, "0a1b2c3d");
        assert_eq!(id, "20260115T020304Z-0a1b2c3d");
        assert_eq!(begun(&id), Some(at));
        for other in
            ["", "20260115T020304Z", "20260115T020304Z-", "2026\u{e9}115T020304Z-aa", "20261515T020304Z-aa", "x-y"]
        {
            assert_eq!(begun(other), None, "{other}");
        }
    }

    #[test]
    fn each_part_is_found_by_its_key() {
        let id = "20260115T020304Z-0a1b2c3d";
        for part in [Part::Dump, Part::Extras, Part::Documents, Part::Manifest, Part::Read, Part::Restored] {
            for encrypted in [false, true] {
                assert_eq!(Part::of(&part.key(id, encrypted)), Some((part, id)));
            }
        }
        for other in ["notes.txt", "db/other.dump", "docs/20260115T020304Z-0a1b2c3d.dump", "a/20260115T020304Z-0a.json"]
        {
            assert_eq!(Part::of(other), None, "{other}");
        }
    }
}
