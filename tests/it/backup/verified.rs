//! `backup verify`: what is in a set, beyond that its sums are right.

use super::vault::{Vault, forge};
use crate::support::sandbox::PROD;

#[tokio::test(flavor = "multi_thread")]
async fn the_dumps_table_of_contents_and_the_archives_members_are_counted() {
    let vault = Vault::new().await;
    vault.run(&["backup"]).await.assert_code(0);
    let found = vault.run(&["--output", "json", "backup", "verify"]).await.assert_code(0).json();
    let tables = found["database"]["tables"].as_array().expect("tables").len() as u64;
    assert_eq!(found["dump_blocks"], tables, "one for the rows of each table");
    assert!(found["dump_entries"].as_u64() > Some(2 * tables), "{found}");
    assert_eq!(found["documents_entries"], found["documents"]["entries"]);
    let files = walk(&vault.lab.documents(PROD)).iter().map(|size| size.unwrap_or_default()).sum::<u64>();
    assert_eq!(found["documents"]["file_bytes"], files, "{found}");
    vault.run(&["backup", "verify"]).await.assert_says("all that pg_restore found").assert_says("leads elsewhere");
}

/// The size of each file below, and none for all else.
fn walk(directory: &std::path::Path) -> Vec<Option<u64>> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    entries
        .flat_map(|entry| {
            let about = entry.metadata().expect("it is there");
            match about.is_dir() {
                true => walk(&entry.path()),
                false => vec![about.is_file().then_some(about.len())],
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_lacks_the_rows_of_a_table_is_found_though_all_its_sums_are_right() {
    let vault = Vault::new().await;
    vault.run(&["backup"]).await.assert_code(0);
    let honest = vault.s3.bucket().objects.clone();
    for (said, change) in [
        ("was cut", (|dump: &mut Vec<u8>| dump.truncate(dump.len() - 1)) as fn(&mut Vec<u8>)),
        ("is no dump of pg_dump", |dump| dump[0] = b'X'),
        ("has no entry", |dump| {
            let name = dump.windows(10).position(|bytes| bytes == b"TABLE DATA").expect("an entry");
            dump[name..name + 10].copy_from_slice(b"TABLE DUTY");
        }),
    ] {
        forge(&vault, ".dump", ("database", "dump"), change);
        vault.run(&["backup", "verify"]).await.assert_code(1).assert_says("cannot be trusted").assert_says(said);
        vault.s3.bucket().objects.clone_from(&honest);
    }
    assert!(!vault.s3.keys().iter().any(|key| key.ends_with(".read.json")), "none of them is noted as whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_restored_is_told_from_what_was_only_read_and_both_stay() {
    let vault = Vault::new().await;
    for arguments in
        [&["backup"][..], &["backup", "verify", "--restore"], &["backup"], &["backup", "verify"], &["backup"]]
    {
        vault.run(arguments).await.assert_code(0);
    }
    // As if they were of days past.
    let rules = ["--keep-days", "1", "--keep-months", "0", "--keep-years", "0"];
    vault
        .run(&[&["backup", "prune"], &rules[..]].concat())
        .await
        .assert_code(0)
        .assert_says("there is nothing to remove");
    let ran = vault.run(&[&["backup", "list"], &rules[..]].concat()).await.assert_code(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    for (line, proof, rule) in [
        (lines[0], "unproved", "newest"),
        (lines[1], "read back", "newest verified"),
        (lines[2], "restored", "newest restored"),
    ] {
        assert!(line.contains(proof) && line.contains(rule), "{line}");
    }
}
