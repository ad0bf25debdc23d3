//! Rust files as the checks read them: by line, without comments, literals and test modules.
use std::fs;
use std::path::Path;

/// A Rust file.
pub(super) struct Source {
    /// Below the project: `src/cluster/job.rs`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and the insides of literals blanked; lines are where they were.
    code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blanked(text) }
    }

    /// `["cluster", "job"]` of `src/cluster/job.rs`.
    pub(super) fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/");
        path.trim_end_matches(".rs").split('/').collect()
    }

    /// Numbered lines of code, without test modules: `tests.rs`, and what stands in the first column behind `#[cfg(test)]`.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut before = "";
        let mut testing = false;
        let tests = self.path.starts_with("src/") && self.path.ends_with("/tests.rs");
        (1..).zip(self.code.lines()).filter(move |(_, line)| {
            testing |= before == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{');
            let hidden = testing;
            testing &= *line != "}";
            before = line;
            !hidden && !tests
        })
    }

    pub(super) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// All Rust files below a directory of the project, sorted.
pub(super) fn sources(directory: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut directories = vec![root.join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the project") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).expect("it is below the root");
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.push(Source::new(&name.to_string_lossy(), &text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no Rust files in {directory}");
    found
}

/// Comments and literals as spaces; line breaks stay.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = hidden(rest);
        let (seen, after) = rest.split_at(length.unwrap_or(first.len_utf8()));
        let blank = |c| if c == '\n' { '\n' } else { ' ' };
        match length {
            Some(_) => code.extend(seen.chars().map(blank)),
            None => code.push_str(seen),
        }
        rest = after;
    }
    code
}

/// The length of the comment or literal at the start of `rest`, if there is one.
fn hidden(rest: &str) -> Option<usize> {
    let until = |start: usize, end: &str| {
        let found = rest[start..].find(end);
        found.map_or(rest.len(), |at| start + at + end.len())
    };
    match rest.as_bytes() {
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(until(2, "*/")),
        [b'"', ..] => Some(quoted(rest)),
        // A lifetime has no second quote.
        [b'\'', b'\\', ..] => Some(until(3, "'")),
        [b'\'', ..] => {
            let end = 1 + rest[1..].chars().next()?.len_utf8();
            rest[end..].starts_with('\'').then_some(end + 1)
        }
        [b'r', raw @ ..] => {
            let hashes = raw.iter().take_while(|byte| **byte == b'#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            (raw.get(hashes) == Some(&b'"')).then(|| until(hashes + 2, &end))
        }
        _ => None,
    }
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn literals_and_comments_are_blanked_and_nothing_else() {
    for (text, code) in [
        ("a // b", "a     "),
        ("a /* b\n */ c", "a     \n    c"),
        (r#"f("\"{", 'x', '\'', '{')"#, "f(     ,    ,     ,    )"),
        ("r#\"a\"b\"# r#for", "         r#for"),
        ("&'a str, 'é' b'{'", "&'a str,     b   "),
    ] {
        assert_eq!(blanked(text), code, "{text}");
    }
}
