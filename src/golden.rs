//! Checkpoints as data, no I/O: their names, their manifests, what differs from one, and the scripts that look after the golden volume.
pub mod difference;
pub mod manifest;
pub mod scripts;
pub mod shelf;

/// Where the golden volume is mounted.
pub const ROOT: &str = "/golden";
/// Words of the command line, which would be taken for a subcommand.
const WORDS: [&str; 5] = ["list", "show", "delete", "cool", "help"];

/// Whether a checkpoint may be called so: a DNS label, as it becomes a directory's name and a word of the command line.
///
/// # Errors
/// A sentence that says why not.
pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = name.chars().all(|c| plain(c) || c == '-') && name.starts_with(plain) && name.ends_with(plain);
    match name {
        name if WORDS.contains(&name) => Err(format!("{name:?} is a word of `checkpoint` itself, and no name for one")),
        name if label && name.len() <= 63 => Ok(()),
        name => Err(format!("{name:?} is no name for a checkpoint: a-z, 0-9 and '-', at most 63")),
    }
}

/// The directory of a set below the volume's `sets`.
pub fn set(name: &str, run: &str) -> String {
    format!("{name}.{run}")
}

/// Where the database's part of a set that is being made lies in the golden Pod.
pub fn database_of_set(set: &str) -> String {
    format!("{ROOT}/sets/{set}/database")
}

/// The documents root of a set that is being made.
pub fn documents_of_set(set: &str) -> String {
    format!("{ROOT}/sets/{set}/documents")
}

/// Where the database's part of a checkpoint lies.
pub fn database(name: &str) -> String {
    format!("{ROOT}/checkpoints/{name}/database")
}

/// What the sandbox's catalogs were stamped with when a set that is being made read its schema: `stamp.sql` says what for.
pub fn stamp_of_set(set: &str) -> String {
    format!("{ROOT}/sets/{set}/stamp")
}

/// The same of a checkpoint, and since its schema was last found equal to the sandbox's.
pub fn stamp(name: &str) -> String {
    format!("{ROOT}/checkpoints/{name}/stamp")
}

/// A checkpoint's documents root.
pub fn documents(name: &str) -> String {
    format!("{ROOT}/checkpoints/{name}/documents")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_and_no_words_of_the_command() {
        for good in ["golden", "a", "before-import-2"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "list", "cool", "-a", "a-", "A", "a/b", "..", "a.b", "a b", &"a".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
