//! Which paths a backup leaves out: shell patterns, as `tar --exclude` takes them.
//!
//! A set tells nothing of what it leaves out, so what lies there in the sandbox is left alone.

/// Whether one of the patterns matches the path, any directory above it, or the end of either behind a slash. `*` and `?` match a slash, too.
pub fn is_excluded(path: &[u8], patterns: &[String]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
    let mut above = ends.map(|end| &path[..end]);
    above.any(|path| patterns.iter().any(|pattern| anywhere(path, pattern.as_bytes())))
}

fn anywhere(path: &[u8], pattern: &[u8]) -> bool {
    let starts = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
    [0].into_iter().chain(starts).any(|start| matches(&path[start..], pattern))
}

/// The whole of the text. Goes back to the last `*` only, so that no pattern takes long.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match one(text[at], &pattern[of..]) {
            Some(length) => (at, of) = (at + 1, of + length),
            None if pattern.get(of) == Some(&b'*') => {
                star = Some((at, of + 1));
                of += 1;
            }
            None => {
                let Some((from, behind)) = star else { return false };
                (at, of) = (from + 1, behind);
                star = Some((from + 1, behind));
            }
        }
    }
    pattern[of..].iter().all(|&byte| byte == b'*')
}

/// How much of the pattern stands for this byte; none if it does not, or is a `*`.
fn one(byte: u8, pattern: &[u8]) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => match set(byte, rest) {
            Some((found, length)) => found.then_some(length + 1),
            None => (byte == b'[').then_some(1),
        },
        [b'*', ..] | [] => None,
        [plain, ..] => (*plain == byte).then_some(1),
    }
}

/// `a-z]`, `!a]`: whether the byte is in it, and how long it is; none where it has no end.
fn set(byte: u8, pattern: &[u8]) -> Option<(bool, usize)> {
    let not = matches!(pattern, [b'!' | b'^', ..]);
    let (mut at, mut found) = (usize::from(not), false);
    loop {
        match &pattern[at.min(pattern.len())..] {
            [b']', ..] if at > usize::from(not) => return Some((found != not, at + 1)),
            [from, b'-', to, ..] if *to != b']' => {
                found |= (*from..=*to).contains(&byte);
                at += 3;
            }
            [one, ..] => {
                found |= *one == byte;
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(path: &str, patterns: &[&str]) -> bool {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        is_excluded(path.as_bytes(), &patterns)
    }

    #[test]
    fn the_defaults_leave_out_what_tar_leaves_out() {
        let defaults = ["*/temp", "admin/backup", "*.log"];
        for path in [
            "./temp",
            "./m/temp",
            "./m/users/temp/7/x.pdf",
            "./admin/backup",
            "./admin/backup/dump.sql",
            "./m/a.log",
            "./x.log/y",
        ] {
            assert!(left_out(path, &defaults), "{path}");
        }
        for path in ["./m", "./m/template", "./m/temp.pdf", "./admin/backups", "./admin", "./m/a.log2", "./catalog"] {
            assert!(!left_out(path, &defaults), "{path}");
        }
        assert!(left_out("./m/admin/backup", &defaults), "not anchored");
        assert!(!left_out("./m/a", &[]));
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (path, pattern) in [
            ("./a1", "a?"),
            ("./a/b", "a*b"),
            ("./b", "[a-c]"),
            ("./d", "[!.a-c]"),
            ("./]", "[]]"),
            ("./*", "\\*"),
            ("./[", "["),
        ] {
            assert!(left_out(path, &[pattern]), "{path} {pattern}");
        }
        for (path, pattern) in [("./d", "[a-c]"), ("./x", "\\*"), ("./b", "[!.a-c]"), ("./ab", "a")] {
            assert!(!left_out(path, &[pattern]), "{path} {pattern}");
        }
        let long = "a".repeat(5000);
        assert!(!left_out(&long, &["*a*a*a*a*a*a*b"]), "in no time");
    }
}
