//! Who runs this, for a person who wonders.
use std::os::unix::fs::MetadataExt;

/// User and machine.
pub(super) fn by() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}@{}", user(), host.trim())
}

/// The user's name, as the environment or else the system knows it.
fn user() -> String {
    let said = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    said.into_iter().find(|name| !name.is_empty()).unwrap_or_else(by_id)
}

/// A container's user often has a number and no name.
fn by_id() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else {
        return "somebody".to_owned();
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, own.uid()).unwrap_or_else(|| format!("uid {}", own.uid()))
}

/// Lines of `name:password:uid:…`.
fn name_of(users: &str, uid: u32) -> Option<String> {
    let is_it = |line: &&str| line.split(':').nth(2).is_some_and(|id| id.parse() == Ok(uid));
    users.lines().find(is_it)?.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_becomes_a_name_where_there_is_one() {
        let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
        assert_eq!(name_of(users, 65534).as_deref(), Some("nobody"));
        assert_eq!(name_of(users, 65532), None);
    }
}
