//! The shape of the source: floors, sizes, names. What is found says file:line.
mod checks;
mod source;

use checks::*;
use sandbox_lifecycle::jobs::{DIFF, DUMP, RESTORE};
use source::{Source, sources, words};

/// The floors of `src/lib.rs`: a module imports only from lower ones.
const FLOORS: [(&str, u8); 23] = [
    ("main", 8),
    ("lib", 8),
    ("commands", 7),
    ("plan", 6),
    ("step", 5),
    ("guard", 4),
    ("outcome", 3),
    ("undo", 2),
    ("summary", 2),
    ("cluster", 1),
    ("settings", 1),
    ("storage", 1),
    ("backup", 0),
    ("retention", 0),
    ("cli", 0),
    ("report", 0),
    ("jobs", 0),
    ("documents", 0),
    ("golden", 0),
    ("shutdown", 0),
    ("record", 0),
    ("manifests", 3),
    ("rights", 2),
];

/// Fails with everything that `check` finds in the files of these directories.
fn holds(directories: &[&str], check: fn(&Source) -> Vec<String>) {
    let sources = directories.iter().flat_map(|directory| sources(directory));
    let found: Vec<String> = sources.flat_map(|source| check(&source)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn imports_go_only_downwards() {
    holds(&["src"], upward);
}

#[test]
fn only_cluster_names_kube() {
    holds(&["src"], kube_outside_cluster);
}

#[test]
fn every_module_says_what_it_is() {
    holds(&["src", "tests"], undocumented);
}

#[test]
fn no_file_is_long() {
    holds(&["src", "tests"], long_file);
}

#[test]
fn no_function_is_long() {
    holds(&["src", "tests"], long_functions);
}

#[test]
fn no_module_has_a_vague_name() {
    holds(&["src", "tests"], vague_names);
}

#[test]
fn nothing_ends_the_process() {
    holds(&["src"], exits);
}

#[test]
fn only_report_prints() {
    holds(&["src"], prints);
}

#[test]
fn the_floors_are_those_of_the_table_in_lib() {
    let sources = sources("src");
    let lib = sources.iter().find(|source| source.path == "src/lib.rs").expect("src/lib.rs");
    let mut table = Vec::new();
    for line in lib.text.lines().filter(|line| line.starts_with("//! |")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let Ok(floor) = cells[1].parse::<u8>() {
            table.extend(words(cells[2]).map(|module| (module, floor)));
        }
    }
    let mut floors = FLOORS.to_vec();
    floors.sort_unstable();
    table.sort_unstable();
    assert_eq!(table, floors);
}

/// `name: Type, "VARIABLE", …` in `src/cli/options.rs`, below the line of its help that ends with the default.
#[test]
fn the_readme_has_every_setting_with_its_variable_and_default() {
    let cli = include_str!("../../src/cli/options.rs").replace('`', "");
    let readme = include_str!("../../README.md").replace('`', "");
    let mut settings = 0;
    for (help, line) in cli.lines().zip(cli.lines().skip(1)) {
        let Some((name, rest)) = line.split_once(": ") else {
            continue;
        };
        let variable = rest.split('"').nth(1).unwrap_or_default();
        if !variable.starts_with("SANDBOX_LIFECYCLE_") {
            continue;
        }
        let flag = format!("| --{} ", name.trim().replace('_', "-"));
        let row = readme.lines().find(|row| row.starts_with(&flag));
        let row = row.unwrap_or_else(|| panic!("README.md has no row {flag}"));
        let default = help.split_once("[default: ").map_or("", |(_, text)| text);
        assert!(row.contains(variable), "{row} lacks {variable}");
        assert!(row.contains(default.trim_end_matches(']')), "{row} lacks {default}");
        settings += 1;
    }
    assert!(settings > 20, "found only {settings} settings in src/cli/options.rs");
}

#[test]
fn the_readme_names_the_oldest_rust_that_builds() {
    let (readme, cargo) = (include_str!("../../README.md"), include_str!("../../Cargo.toml"));
    let oldest = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a rust-version");
    let named: Vec<&str> =
        readme.split("Rust ").skip(1).filter_map(|rest| rest.split_once(" or newer").map(|(at, _)| at)).collect();
    let named: Vec<&&str> = named.iter().filter(|named| !named.contains(' ')).collect();
    assert!(named.len() > 1 && named.iter().all(|named| **named == oldest.trim_matches('"')), "{named:?}");
}

#[test]
fn the_readme_says_what_to_do_about_every_code_of_a_script() {
    let readme = include_str!("../../README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let told: Vec<i32> = rows.flat_map(|cell| cell.split(", ")).filter_map(|code| code.parse().ok()).collect();
    for script in [&DUMP, &RESTORE, &DIFF] {
        for (code, says) in script.exit_codes {
            assert!(told.contains(code), "{} ends with {code}, {says}: README.md has no row", script.name);
        }
    }
}

/// The names of tests in the table that says which of them proves each promise.
#[test]
fn the_proofs_that_the_readme_names_are_tests() {
    let readme = include_str!("../../README.md");
    let rows =
        readme.lines().skip_while(|line| !line.starts_with("| promise |")).take_while(|line| line.starts_with('|'));
    let proofs: Vec<&str> = rows.filter_map(|row| row.split(" | ").nth(2)).collect();
    let names: Vec<&str> = proofs.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let tests = sources("tests/it");
    for name in &names {
        let of_it = format!("fn {name}(");
        assert!(tests.iter().any(|source| source.text.contains(&of_it)), "no test is called {name}");
    }
    assert!(names.len() > 10, "only {names:?}");
}

/// What psql is told to ignore it writes where it runs.
#[test]
fn nothing_lies_among_the_scripts_but_scripts() {
    let jobs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/jobs");
    let files = std::fs::read_dir(jobs).expect("the scripts").map(|file| file.expect("a file").path());
    let kinds = ["rs", "sh", "sql", "awk"].map(|kind| Some(kind.as_ref()));
    let (scripts, odd): (Vec<_>, Vec<_>) = files.partition(|file| kinds.contains(&file.extension()));
    assert!(odd.is_empty(), "{odd:?}");
    // A database of another encoding takes no character that is not in it.
    for script in scripts {
        assert!(std::fs::read(&script).expect("a script").is_ascii(), "{}", script.display());
    }
}
