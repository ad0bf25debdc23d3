//! A checkpoint's manifest: what was saved, when, by whom, and the checksums of all of it, its own included.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Raised when an older tool could not make sense of it.
const FORMAT: u32 = 1;
/// Of a checkpoint whose dump is another's, with what has changed since beside it.
const BASED: u32 = 2;
const CHANGED: &str = "database/source.changed";
const HEAD: &str = "{\"sha256\":\"";
const BODY: &str = "\",\"checkpoint\":";

/// Sizes in bytes, times in RFC 3339, UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub format: u32,
    pub name: String,
    /// The run that made it; with the name, the directory that holds it.
    pub run: String,
    pub taken_at: String,
    pub by: String,
    /// The version of the tool.
    pub tool: String,
    /// When production's data was read that the sandbox had then; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_read_at: Option<String>,
    pub database: Database,
    pub documents: Documents,
    /// All that it takes on the volume, with what it has as links to others' files.
    pub bytes: u64,
    /// SHA-256 of each file of its own: the database's, and the list of the documents' sums.
    pub files: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    pub name: String,
    pub tables: u64,
    pub rows: u64,
    pub sequences: u64,
    pub dump_bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    pub trees: Vec<String>,
    pub files: u64,
    pub bytes: u64,
    /// SHA-256 over the listing: a file that is missing, or of another size or time, is noticed before anything is compared.
    pub listing: String,
}

impl Checkpoint {
    /// As one line of JSON, with its own checksum in front.
    ///
    /// # Errors
    /// A bug: it cannot be written as JSON.
    pub fn seal(&self) -> serde_json::Result<String> {
        let format = if self.files.contains_key(CHANGED) { BASED } else { FORMAT };
        let body = serde_json::to_string(&Self { format, ..self.clone() })?;
        Ok(format!("{HEAD}{}{BODY}{body}}}", sha256(body.as_bytes())))
    }

    /// # Errors
    /// A sentence: it is not what was written, or of a newer version.
    pub fn open(sealed: &[u8]) -> Result<Self, String> {
        let damaged = || "its manifest is damaged".to_owned();
        let text = str::from_utf8(sealed).map_err(|_| damaged())?;
        let rest = text.trim_end_matches('\n').strip_prefix(HEAD).ok_or_else(damaged)?;
        let (sum, rest) = rest.split_once(BODY).ok_or_else(damaged)?;
        let body = rest.strip_suffix('}').ok_or_else(damaged)?;
        if sum != sha256(body.as_bytes()) {
            return Err(damaged());
        }
        let checkpoint: Self =
            serde_json::from_str(body).map_err(|error| format!("cannot read its manifest: {error}"))?;
        match checkpoint.format {
            FORMAT | BASED => Ok(checkpoint),
            newer => Err(format!("its manifest has format {newer}, which this version does not know")),
        }
    }

    /// The files that are not what was saved, or are missing.
    pub fn odd(&self, found: &BTreeMap<String, String>) -> Vec<String> {
        let wrong = self.files.iter().filter(|(path, sum)| found.get(*path) != Some(sum)).map(|(path, _)| path.clone());
        let extra = found.keys().filter(|path| !self.files.contains_key(*path)).cloned();
        wrong.chain(extra).collect()
    }
}

/// Hexadecimal, as `sha256sum` writes it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let files = BTreeMap::from([("database/source.dump".to_owned(), sha256(b"x"))]);
        Checkpoint { format: FORMAT, name: "golden".to_owned(), files, ..Checkpoint::default() }
    }

    #[test]
    fn a_sealed_manifest_is_opened_again_and_any_changed_byte_is_refused() {
        let sealed = checkpoint().seal().expect("JSON");
        assert!(serde_json::from_str::<serde_json::Value>(&sealed).is_ok(), "it is JSON: {sealed}");
        assert_eq!(Checkpoint::open(sealed.as_bytes()), Ok(checkpoint()));
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(Checkpoint::open(&bytes).is_err(), "byte {at} of {sealed}");
        }
        assert!(Checkpoint::open(&sealed.as_bytes()[..sealed.len() - 1]).is_err(), "cut");
    }

    #[test]
    fn one_that_has_another_s_dump_is_refused_by_a_tool_that_does_not_know_of_it() {
        let mut based = checkpoint();
        based.files.insert(CHANGED.to_owned(), sha256(b"-- end"));
        let sealed = based.seal().expect("JSON");
        assert_eq!(Checkpoint::open(sealed.as_bytes()), Ok(Checkpoint { format: BASED, ..based }));
        let body = "{\"format\":3".to_owned()
            + sealed.strip_suffix('}').and_then(|s| s.split_once("\"format\":2")).expect("its body").1;
        let newer = format!("{HEAD}{}{BODY}{body}}}", sha256(body.as_bytes()));
        let refused = Checkpoint::open(newer.as_bytes());
        assert_eq!(refused, Err("its manifest has format 3, which this version does not know".to_owned()));
    }

    #[test]
    fn a_file_that_is_changed_missing_or_new_is_odd() {
        let one = checkpoint();
        assert!(one.odd(&one.files).is_empty());
        assert_eq!(one.odd(&BTreeMap::new()), ["database/source.dump"]);
        let mut found = one.files.clone();
        found.insert("database/source.dump".to_owned(), sha256(b"y"));
        found.insert("database/other".to_owned(), sha256(b""));
        assert_eq!(one.odd(&found), ["database/source.dump", "database/other"]);
    }
}
