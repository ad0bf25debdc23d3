//! What is looked for in a file. Each check has its test here, and is applied to the project in `tidy.rs`.
use super::FLOORS;
use super::source::{Source, words};

/// They say nothing about what a module is for.
const VAGUE: [&str; 9] = ["util", "utils", "helper", "helpers", "manager", "managers", "misc", "common", "commons"];
const FILE_LINES: usize = 300;
const FUNCTION_LINES: usize = 40;

fn floor(module: &str) -> Option<u8> {
    let found = FLOORS.iter().find(|(name, _)| *name == module);
    found.map(|(_, floor)| *floor)
}

/// Imports from the same floor or a higher one. What lies in the root of the crate is on `lib`'s.
pub(super) fn upward(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some(own) = floor(module[0]) else {
        return vec![source.at(1, &format!("module {} has no floor", module[0]))];
    };
    let root = "super::".repeat(module.len());
    let mut found = Vec::new();
    for (number, line) in source.lines() {
        let line = line.replace(&root, "crate::");
        for (at, path) in line.match_indices("crate::") {
            let rest = &line[at + path.len()..];
            let name = words(rest).next().unwrap_or("lib");
            if rest.starts_with('{') {
                found.push(source.at(number, "write one `use crate::…` a module"));
            } else if name != module[0] && floor(name).unwrap_or(8) >= own {
                let what = format!("{} imports {name}, which is not below it", module[0]);
                found.push(source.at(number, &what));
            }
        }
    }
    found
}

/// A finding for every line that is wrong.
fn each(source: &Source, wrong: impl Fn(&str) -> bool, what: &str) -> Vec<String> {
    let lines = source.lines().filter(|(_, line)| wrong(line));
    lines.map(|(number, _)| source.at(number, what)).collect()
}

pub(super) fn kube_outside_cluster(source: &Source) -> Vec<String> {
    let outside = source.module()[0] != "cluster";
    let kube = |word: &str| word == "kube" || word == "k8s_openapi";
    let wrong = |line: &str| outside && words(line).any(kube);
    each(source, wrong, "only cluster names kube and k8s_openapi")
}

pub(super) fn undocumented(source: &Source) -> Vec<String> {
    match source.text.starts_with("//! ") {
        true => Vec::new(),
        false => vec![source.at(1, "a module starts with `//!` and what it is")],
    }
}

pub(super) fn long_file(source: &Source) -> Vec<String> {
    match source.text.lines().count() {
        0..=FILE_LINES => Vec::new(),
        lines => vec![source.at(lines, &format!("more than {FILE_LINES} lines"))],
    }
}

/// The name of the function whose signature begins in this line.
fn function(line: &str) -> Option<&str> {
    let mut words =
        words(line).skip_while(|word| ["pub", "crate", "super", "in", "async", "const", "unsafe"].contains(word));
    let name = (words.next() == Some("fn")).then(|| words.next()).flatten();
    name.filter(|name| line.contains(&format!("fn {name}")))
}

/// In formatted code a function ends at the first `}` that stands as far right as its signature.
fn length(function: &[(usize, &str)]) -> usize {
    let first = function[0].1.trim_end();
    if first.ends_with(['}', ';']) {
        return 1;
    }
    let indent = &first[..first.len() - first.trim_start().len()];
    let (end, parenthesis) = (format!("{indent}}}"), format!("{indent})"));
    let declared = |line: &str| line.starts_with(&parenthesis) && line.ends_with(';');
    let mut lines = function.iter().map(|(_, line)| line.trim_end());
    let last = lines.position(|line| line == end || declared(line));
    last.map_or(function.len(), |last| last + 1)
}

/// A test is a story, read from top to bottom; all else is short.
pub(super) fn long_functions(source: &Source) -> Vec<String> {
    let lines: Vec<(usize, &str)> = source.lines().collect();
    let mut found = Vec::new();
    for (at, (number, line)) in lines.iter().enumerate() {
        let above = lines[at.saturating_sub(1)].1.trim();
        let test = above.starts_with("#[") && above.contains("test");
        let Some(name) = function(line).filter(|_| !test) else {
            continue;
        };
        let length = length(&lines[at..]);
        if length > FUNCTION_LINES {
            let what = format!("{name} has {length} lines, more than {FUNCTION_LINES}");
            found.push(source.at(*number, &what));
        }
    }
    found
}

pub(super) fn vague_names(source: &Source) -> Vec<String> {
    let vague = |name: &str| name.split('_').any(|word| VAGUE.contains(&word));
    let declared = source.lines().filter_map(|(number, line)| {
        let mut words = words(line).skip_while(|word| ["pub", "crate", "super"].contains(word));
        let name = (words.next() == Some("mod")).then(|| words.next()).flatten();
        name.map(|name| (number, name))
    });
    let path = source.module().into_iter().map(|name| (1, name));
    path.chain(declared)
        .filter(|(_, name)| vague(name))
        .map(|(number, name)| source.at(number, &format!("{name} does not say what it is for")))
        .collect()
}

pub(super) fn exits(source: &Source) -> Vec<String> {
    let wrong = |line: &str| line.contains("process::exit");
    each(source, wrong, "only main ends the process, by returning")
}

pub(super) fn prints(source: &Source) -> Vec<String> {
    let outside = source.module()[0] != "report";
    let macros = ["print!", "println!", "dbg!"];
    let wrong = |line: &str| outside && macros.iter().any(|name| line.contains(name));
    each(source, wrong, "only report prints")
}

fn found(check: fn(&Source) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
    check(&Source::new(path, text))
}

#[test]
fn an_import_that_goes_up_or_aside_is_found() {
    let guard = "//! x\nuse crate::cluster::Cluster;\n\nfn f() {\n    crate::step::run();\n}\n";
    assert_eq!(found(upward, "src/guard.rs", guard), ["src/guard.rs:5: guard imports step, which is not below it"]);
    let aside = "use super::super::report;\nuse super::shown;\nuse crate::cli::Cli;\n";
    assert_eq!(
        found(upward, "src/cli/flags.rs", aside),
        ["src/cli/flags.rs:1: cli imports report, which is not below it"]
    );
    assert_eq!(found(upward, "src/undo.rs", "use crate::{guard, step};\n").len(), 1);
    assert_eq!(found(upward, "src/undo.rs", "fn f() -> crate::Outcome {}\n").len(), 1);
    assert_eq!(found(upward, "src/new.rs", ""), ["src/new.rs:1: module new has no floor"]);
}

#[test]
fn tests_comments_and_texts_may_name_anything() {
    let text = "// crate::guard\nconst A: &str = \"kube:: crate::guard\";\n#[cfg(test)]\nmod tests {\n    use crate::guard;\n    \
        fn f() { println!(); }\n}\nfn g() { crate::lib::run() }\n";
    assert_eq!(found(upward, "src/undo.rs", text), ["src/undo.rs:8: undo imports lib, which is not below it"]);
    assert!(found(kube_outside_cluster, "src/undo.rs", text).is_empty());
    assert!(found(prints, "src/undo.rs", text).is_empty());
}

#[test]
fn kube_prints_and_exits_are_found_where_they_stand() {
    let text = "//! x\nuse kube::Client;\nfn f() { eprintln!() }\nfn g() { std::process::exit(1) }\n";
    assert_eq!(found(kube_outside_cluster, "src/step/a.rs", text).len(), 1);
    assert!(found(kube_outside_cluster, "src/cluster/a.rs", text).is_empty());
    assert_eq!(found(prints, "src/step/a.rs", text), ["src/step/a.rs:3: only report prints"]);
    assert!(found(prints, "src/report/a.rs", text).is_empty());
    assert_eq!(found(exits, "src/main.rs", text).len(), 1);
}

#[test]
fn length_is_counted_from_the_signature_to_its_brace() {
    let long = |lines: usize| {
        let body = "        if x { \"}\" }\n".repeat(lines);
        format!("impl A {{\n    pub(super) async fn f(\n        x: u8,\n    ) {{\n{body}    }}\n}}\n")
    };
    assert!(found(long_functions, "src/a.rs", &long(36)).is_empty());
    assert_eq!(found(long_functions, "src/a.rs", &long(37)), ["src/a.rs:2: f has 41 lines, more than 40"]);
    let story = long(37).replace("    pub", "    #[tokio::test]\n    pub");
    assert!(found(long_functions, "src/a.rs", &story).is_empty());
    let short = format!(
        "trait T {{\n    fn a();\n    fn b(\n        x: fn(),\n    );\n    fn c() {{}}\n{}}}\n",
        "\n".repeat(50)
    );
    assert!(found(long_functions, "src/a.rs", &short).is_empty());
    assert!(found(long_file, "src/a.rs", &"\n".repeat(300)).is_empty());
    assert_eq!(found(long_file, "src/a.rs", &"\n".repeat(301)).len(), 1);
}

#[test]
fn a_vague_name_and_a_silent_module_are_found() {
    assert_eq!(found(vague_names, "src/step/common.rs", "").len(), 1);
    assert_eq!(found(vague_names, "src/step.rs", "\npub(crate) mod test_helpers;\n").len(), 1);
    assert!(found(vague_names, "src/step.rs", "mod command;\n").is_empty());
    assert_eq!(found(undocumented, "src/a.rs", "use b;\n//! late\n").len(), 1);
}
