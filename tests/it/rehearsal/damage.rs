//! A checkpoint that is not what was saved, or is of something else: refused before anything is touched.

use std::fs;
use std::path::Path;

use super::world::{Rehearsed, warm};
use crate::documents::tree;
use crate::support::postgres::{PRODUCTION, Production, SANDBOX as ACCESS};
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Changes one byte in the middle of a file, and neither its size nor its time.
pub(super) fn corrupt(file: &Path) {
    let mut content = fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let time = fs::metadata(file).and_then(|meta| meta.modified()).expect("its time");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(file, content).expect("written");
    fs::File::options().write(true).open(file).and_then(|file| file.set_modified(time)).expect("a time");
}

async fn refused(lab: &Sandbox, words: &str, changed: &Rehearsed) {
    lab.quick(&["reset"]).await.assert_code(1).assert_says("is damaged").assert_says(words);
    assert_eq!(&lab.rehearsed(), changed, "the sandbox was touched: {words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_byte_anywhere_is_refused_by_the_name_of_its_file() {
    let lab = warm().await;
    // With the dump of the first one.
    lab.quick(&["checkpoint"]).await.assert_code(0);
    lab.rehearse();
    let changed = lab.rehearsed();
    let files = [
        "database/source.dump",
        "database/source.base",
        "database/source.changed",
        "database/source.manifest",
        "database/source.list",
        "documents.sha256",
        "manifest.json",
    ];
    for name in files {
        let file = lab.set("golden").join(name);
        let whole = fs::read(&file).expect("the file");
        corrupt(&file);
        refused(&lab, if name == "manifest.json" { "its manifest" } else { name }, &changed).await;
        fs::write(&file, whole).expect("written");
    }
    // A document that would be put back, one that is not there any more, and one too many.
    let document = lab.set("golden").join("documents/mycompany/.hidden");
    corrupt(&document);
    refused(&lab, "mycompany/.hidden is not what was saved", &changed).await;
    corrupt(&document);
    let other = lab.set("golden").join("documents/mycompany/facture/2026/big.bin");
    fs::rename(&other, lab.golden().join("aside")).expect("moved");
    refused(&lab, "its documents are not those that were saved", &changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_takes_nothing_is_said_with_what_to_do_and_keeps_what_it_has() {
    let lab = warm().await;
    let wanted = lab.rehearsed();
    let (sets, aside) = (lab.golden().join("sets"), lab.golden().join("aside"));
    fs::rename(&sets, &aside).expect("moved");
    fs::write(&sets, "").expect("a file in its place");
    let ran = lab.quick(&["checkpoint", "second"]).await.assert_code(1);
    ran.assert_says("no room was made for the dump: mkdir").assert_says("`checkpoint delete`");
    fs::remove_file(&sets).expect("it was there");
    fs::rename(&aside, &sets).expect("moved back");
    lab.rehearse();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_another_database_is_refused() {
    let lab = warm().await;
    for text in [
        r#"ALTER DATABASE "erp-sandbox" RENAME TO former"#,
        r#"CREATE DATABASE "erp-sandbox" TEMPLATE former OWNER provisioner"#,
        r#"GRANT CONNECT, TEMPORARY ON DATABASE "erp-sandbox" TO erp_sandbox_role"#,
    ] {
        lab.postgres.sql("postgres", text);
    }
    lab.rehearse();
    let changed = lab.rehearsed();
    lab.quick(&["reset"]).await.assert_code(1).assert_says("exit code 21");
    assert_eq!(lab.rehearsed(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_schema_is_wiped_and_restored_and_the_application_s_tables_with_it() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.change_database("SET ROLE erp_sandbox_role; ALTER TABLE llx_const ADD COLUMN more text; CREATE TABLE llx_module (rowid serial PRIMARY KEY)");
    lab.rehearse();
    let reset = lab.quick(&["--output", "json", "reset"]).await.assert_code(0).json();
    assert_eq!(reset["reset"]["mode"], "full", "{reset}");
    assert_eq!(lab.rehearsed(), before);
    let tables = lab.postgres.sql(ACCESS.database, "SELECT count(*) FROM pg_tables WHERE tablename = 'llx_module'");
    assert_eq!(tables.trim(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_pending_volume_is_said_in_a_sentence() {
    let lab = warm().await;
    let before = lab.rehearsed();
    lab.change("persistentvolumeclaims", SANDBOX, "sandbox-golden", |claim| claim["status"]["phase"] = "Lost".into());
    for arguments in [&["reset"][..], &["checkpoint"], &["diff"], &["checkpoint", "list"]] {
        lab.quick(arguments).await.assert_code(1).assert_says("is Lost").assert_says("take a new checkpoint");
    }
    let pending = ["checkpoint", "--golden-claim", "other", "--storage-class", "nobody-s"];
    lab.quick(&pending).await.assert_code(1).assert_says("StorageClass nobody-s has given it no volume");
    assert_eq!(lab.rehearsed(), before);
    assert_eq!(lab.world().objects["jobs"], Vec::<String>::new());
}

/// What is said where a checkpoint finds no room.
const MORE_ROOM: &str = " checkpoint delete NAME` removes what is not needed, and a new --golden-claim with a larger --golden-size has more room";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_leaves_the_checkpoint_there_was() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    lab.kubelet.set(|config| config.small_claims = vec![("sandbox-golden".to_owned(), 8)]);
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    let before = lab.rehearsed();
    fs::write(lab.tree().join("huge.bin"), vec![1; 16_000_000]).expect("a document");
    let ran = lab.quick(&["checkpoint"]).await.assert_code(1).assert_says("as it was");
    // What tar says where a part of its last block still had room.
    let full = ["No space left on device", "Wrote only"].iter().any(|said| ran.stderr.contains(said));
    assert!(full, "{}", ran.stderr);
    ran.assert_says(MORE_ROOM);
    lab.rehearse();
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    lab.quick(&["checkpoint"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_a_dump_fills_is_said_with_what_to_do() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    lab.kubelet.set(|config| config.small_claims = vec![("sandbox-golden".to_owned(), 8)]);
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    let before = lab.rehearsed();
    // Digits of sums, of which compression leaves more than half.
    lab.change_database(
        "SET ROLE erp_sandbox_role; CREATE TABLE llx_huge AS \
         SELECT i, md5(i::text) || md5((-i)::text) || md5((i + 0.5)::text) AS sums FROM generate_series(1, 200000) i",
    );
    let ran = lab.quick(&["checkpoint"]).await.assert_code(1).assert_says("cannot save the database: dump refused");
    // Which of its files is the first that finds no room is not told before.
    let end = ["(exit code 13)", "(exit code 14)", "(exit code 15)"].iter().any(|code| ran.stderr.contains(code));
    assert!(end, "{}", ran.stderr);
    ran.assert_says("what there was is as it was: the golden volume may be full").assert_says(MORE_ROOM);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), before);
    lab.quick(&["checkpoint"]).await.assert_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_checkpoint_finds_no_room_stands_and_so_does_the_checkpoint_there_was() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.furnish_documents();
    lab.kubelet.set(|config| config.small_claims = vec![("sandbox-golden".to_owned(), 8)]);
    lab.quick(&["checkpoint", "--warm"]).await.assert_code(0);
    let (before, checkpoint) = (lab.world(), lab.rehearsed());
    let show = async || lab.quick(&["--output", "json", "checkpoint", "show", "golden"]).await.assert_code(0).json();
    let taken = show().await["checkpoint"].clone();
    let production = lab.documents(PROD).join("mycompany");
    fs::create_dir_all(&production).expect("a directory");
    fs::write(production.join("huge.bin"), vec![1; 16_000_000]).expect("a document");
    let ran = lab.quick(&["--output", "json", "refresh", "--checkpoint"]).await.assert_code(1);
    let told = ran.json();
    assert_eq!(told["outcome"], "failed", "{told:#}");
    let error = told["error"].as_str().expect("an error");
    // Of database and documents, either may be the one that finds no room.
    for words in [
        "the database and the documents are production's, and stay so: ",
        "Save the database and the documents: no checkpoint was made, and what there was is as it was: the golden volume may be full",
        MORE_ROOM,
        ": cannot save the ",
    ] {
        assert!(error.contains(words) && ran.stderr.contains(words), "{words:?}: {ran:?}");
    }
    assert_ne!(before.sandbox, before.production);
    let now = lab.world();
    assert_eq!(now.sandbox, before.production);
    assert_eq!(tree(&lab.tree()), tree(&production));
    now.assert_whole_since(&before);
    assert_eq!(show().await["checkpoint"], taken);
    lab.quick(&["reset"]).await.assert_code(0);
    assert_eq!(lab.rehearsed(), checkpoint);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_another_size_is_used_as_it_is_and_said() {
    let lab = warm().await;
    lab.quick(&["checkpoint", "--golden-size", "10Gi"]).await.assert_code(0).assert_says("never resized");
    let claim = lab.store.get("persistentvolumeclaims", SANDBOX, "sandbox-golden").expect("the claim");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "5Gi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_leads_to_production_is_refused_by_its_name_and_by_the_server() {
    let lab = warm().await;
    lab.quick(&["refresh-from-prod"]).await.assert_code(0);
    lab.quick(&["checkpoint"]).await.assert_code(0);
    let production = lab.postgres.checksum(PRODUCTION.database);
    lab.change("secrets", SANDBOX, "vso-db-credentials", |secret| {
        for (key, value) in [("username", PRODUCTION.user), ("password", PRODUCTION.password)] {
            secret["data"][key] = STANDARD.encode(value).into();
        }
    });
    let mistaken = ["reset", "--sandbox-database", PRODUCTION.database, "--sandbox-role", "erp_role"];
    lab.quick(&mistaken).await.assert_code(1).assert_says("production and the sandbox are the same database erp");
    // What production is may be mistaken, too.
    let mistaken = [&mistaken[..], &["--prod-database", "other"]].concat();
    let ran = lab.quick(&mistaken).await.assert_code(1);
    ran.assert_says("production's, as a refresh or backup has read it").assert_says("nothing was changed");
    // Under another name of the host only the server tells which database it is.
    lab.change("configmaps", SANDBOX, "sandbox-lifecycle", |map| {
        let record = map["data"]["record"].as_str().expect("a record");
        map["data"]["record"] = record.replace("\"host\": \"", "\"host\": \"alias-of-").into();
    });
    let own = lab.sets();
    // What only reads would save production's rows in the place of the sandbox's, or make temporary tables there.
    for (command, code) in [("reset", 21), ("checkpoint", 19), ("diff", 46)] {
        let ran = lab.quick(&[&[command], &mistaken[1..]].concat()).await.assert_code(1);
        ran.assert_says(&format!("exit code {code}")).assert_says("this is production's database");
        assert!(own == lab.sets(), "{command}: another checkpoint");
    }
    assert_eq!(lab.postgres.checksum(PRODUCTION.database), production);
}
