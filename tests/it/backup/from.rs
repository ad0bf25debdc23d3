//! A refresh from a backup: the sandbox becomes what the set holds, and production is asked for nothing.

use super::vault::Vault;
use crate::support::api::record::Seen;
use crate::support::sandbox::{PROD, SANDBOX};
use crate::support::scene::Scene;

/// A vault with a set in it, and a production that has gone on since.
async fn older(arguments: &[&str]) -> Vault {
    let vault = Vault::new().await;
    vault.run(&[&["backup"], arguments].concat()).await.assert_code(0);
    vault.lab.postgres.sql("erp", "CREATE TABLE llx_newer AS SELECT 1 AS rowid");
    vault
}

/// Whether the cluster was asked for something of production's, or whether that would be allowed.
fn of_production(seen: &Seen) -> bool {
    let asked = &seen.body["spec"]["resourceAttributes"]["namespace"];
    seen.path.contains(&format!("/namespaces/{PROD}/")) || asked == PROD
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_becomes_the_set_and_production_is_asked_for_nothing() {
    let vault = Vault::new().await;
    let then = vault.lab.world();
    assert_ne!(then.sandbox, then.production, "the fixture's sandbox is older");
    let made = vault.run(&["--output", "json", "backup"]).await.assert_code(0).json();
    vault.lab.postgres.sql("erp", "CREATE TABLE llx_newer AS SELECT 1 AS rowid");
    let asked = vault.lab.api.record.all().len();
    let report = vault.run(&["--output", "json", "refresh", "--from-backup"]).await.assert_code(0).json();
    let now = vault.lab.world();
    assert_eq!(now.sandbox, then.production, "the sandbox is what production was when it was backed up");
    assert_ne!(now.sandbox, now.production);
    assert_eq!((&now.replicas, &now.sync_policy, &now.objects), (&then.replicas, &then.sync_policy, &then.objects));
    let seen = vault.lab.api.record.all();
    let wrong: Vec<String> = seen[asked..].iter().filter(|seen| of_production(seen)).map(Seen::line).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(seen[..asked].iter().any(of_production), "the backup itself asked");
    assert_eq!(report["from_backup"]["set"], made["backup"]["set"]);
    assert_eq!(report["data_read_at"], made["data_read_at"]);
    assert_eq!(report["database"]["rows"], made["backup"]["rows"]);
    assert_eq!(vault.tree(SANDBOX), vault.tree(PROD), "the documents, too");
    vault.lab.run(&["status"]).await.assert_code(0).assert_says("refresh --from-backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_named_and_the_documents_are_left_alone_if_so_wished() {
    let vault = older(&[]).await;
    let listed = vault.run(&["--output", "json", "backup", "list"]).await.assert_code(0).json();
    let set = listed[0]["id"].as_str().expect("a set").to_owned();
    vault.run(&["refresh", "--from-backup", "19990101"]).await.assert_code(1).assert_says("there is no set named");
    let before = vault.tree(SANDBOX);
    let ran = vault.run(&["refresh", "--database-only", "--from-backup", &set[..8]]).await.assert_code(0);
    ran.assert_says(&set).assert_says("documents  not touched");
    assert_eq!(vault.tree(SANDBOX), before);
    for alone in [&["refresh", "--env", "sandbox"][..], &["refresh", "--database-only"]] {
        vault.run(alone).await.assert_code(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_set_is_refused_before_the_sandbox_is_stopped() {
    let vault = older(&[]).await;
    let before = vault.lab.world();
    for suffix in [".dump", ".set.json", ".tar"] {
        let key = vault.s3.keys().into_iter().find(|key| key.ends_with(suffix)).expect("the object");
        let flip = || {
            let mut bucket = vault.s3.bucket();
            let content = bucket.objects.get_mut(&key).expect("the object");
            let middle = content.len() / 2;
            content[middle] ^= 1;
        };
        flip();
        vault.run(&["refresh", "--from-backup"]).await.assert_code(1).assert_says("is damaged").assert_says(suffix);
        flip();
        assert_eq!(vault.lab.world(), before);
    }
    let writes = vault.lab.api.record.writes();
    assert!(!writes.iter().any(|line| line.starts_with("patch ")), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_set_is_opened_by_its_identity_alone() {
    let identity = age::x25519::Identity::generate();
    let vault = older(&["--age-recipient", &identity.to_public().to_string()]).await;
    let file = vault.lab.dir.path().join("identity.txt");
    std::fs::write(&file, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).expect("written");
    let before = vault.lab.world();
    vault.run(&["refresh", "--from-backup"]).await.assert_code(1).assert_says("--age-identity");
    assert_eq!(vault.lab.world(), before);
    let file = file.to_str().expect("a path");
    vault.run(&["refresh", "--from-backup", "--age-identity", file]).await.assert_code(0);
    assert!(vault.lab.world().sandbox != before.sandbox);
    assert_eq!(vault.tree(SANDBOX), vault.tree(PROD));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_it_in_the_middle_puts_all_back() {
    let vault = older(&[]).await;
    let before = vault.lab.world();
    for step in ["Bring the backup's dump", "Restore into the sandbox"] {
        let midway = vault.lab.reach(&["--s3-secret", "bucket-key", "refresh", "--from-backup"], step).await;
        midway.signal("TERM");
        midway.end().await.assert_code(143);
        assert_eq!(vault.lab.world(), before, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_was_restored_is_noted_as_such() {
    let vault = older(&[]).await;
    let before = vault.lab.world();
    vault.run(&["--dry-run", "backup", "verify", "--restore"]).await.assert_code(0).assert_says("restored.json");
    assert_eq!(vault.s3.keys().len(), 4);
    vault.run(&["backup", "verify", "--restore"]).await.assert_code(0).assert_says("noted as restored");
    let after = vault.lab.world();
    assert!(after.sandbox != before.sandbox && after.sandbox != before.production);
    vault.run(&["backup", "list"]).await.assert_code(0).assert_says("  restored ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_goes_back_to_a_backup_of_its_own() {
    let vault = Vault::new().await;
    let then = vault.lab.world();
    vault.run(&["backup", "--env", "sandbox"]).await.assert_code(0);
    let documents = vault.tree(SANDBOX);
    vault.run(&["refresh"]).await.assert_code(0);
    assert_ne!(vault.lab.world().sandbox, then.sandbox);
    assert_ne!(vault.tree(SANDBOX), documents);
    vault.run(&["refresh", "--from-backup", "--env", "sandbox"]).await.assert_code(0);
    assert_eq!(vault.lab.world().sandbox, then.sandbox);
    assert_eq!(vault.tree(SANDBOX), documents);
}

/// What a backup is for: the database is lost, and its provisioner has made another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_was_made_anew_takes_its_backup_and_is_as_old_as_it_was() {
    let vault = Vault::new().await;
    vault.run(&["refresh"]).await.assert_code(0);
    let data_of = async || vault.run(&["--output", "json", "status"]).await.json()["record"]["data_read_at"].clone();
    let data = data_of().await;
    let rehearse = "SET ROLE erp_sandbox_role; UPDATE llx_societe SET label = label || '!'";
    vault.lab.postgres.sql("erp-sandbox", rehearse);
    let (then, documents) = (vault.lab.world(), vault.tree(SANDBOX));
    assert_ne!(then.sandbox, then.production);
    vault.run(&["backup", "--env", "sandbox"]).await.assert_code(0);
    make_anew(&vault);
    std::fs::remove_dir_all(vault.lab.documents(SANDBOX).join("mycompany")).expect("lost");
    let ran = vault.run(&["refresh", "--from-backup", "--env", "sandbox"]).await.assert_code(0);
    ran.assert_says("what it was when it was backed up");
    assert_eq!((vault.lab.world().sandbox, vault.tree(SANDBOX)), (then.sandbox, documents));
    assert!(data.is_string(), "{data}");
    assert_eq!(data_of().await, data, "it was not read from production since");

    make_anew(&vault);
    vault.lab.postgres.sql(
        "erp-sandbox",
        "CREATE TABLE somebody_elses (id int); ALTER TABLE somebody_elses OWNER TO erp_sandbox_role",
    );
    let before = vault.lab.world();
    let ran = vault.run(&["refresh", "--from-backup", "--env", "sandbox"]).await.assert_code(1);
    ran.assert_says("is not empty").assert_says("DROP OWNED BY erp_sandbox_role");
    assert_eq!(vault.lab.world(), before);
}

/// The sandbox's database as its provisioner makes it, with nothing in it.
pub(crate) fn make_anew(vault: &Vault) {
    let server = &vault.lab.postgres;
    for statement in [
        "DROP DATABASE \"erp-sandbox\"",
        "CREATE DATABASE \"erp-sandbox\" OWNER provisioner",
        "REVOKE ALL ON DATABASE \"erp-sandbox\" FROM PUBLIC",
        "GRANT CONNECT, TEMPORARY ON DATABASE \"erp-sandbox\" TO erp_sandbox_role",
    ] {
        server.sql("postgres", statement);
    }
    let provisioned = include_str!("../support/postgres/provisioned.sql");
    server.sql_file("erp-sandbox", &format!("\\set role erp_sandbox_role\n{provisioned}"));
}
