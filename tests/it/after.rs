//! What the operator has run with a refresh: statements in its transaction, and a command at its end.

use crate::support::postgres::{Production, SANDBOX as ACCESS};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::scene::Scene;

const REFRESH: &[&str] = &["--min-tables", "10", "--output", "json", "refresh-from-prod"];

async fn small() -> Sandbox {
    Sandbox::with(&Production::Small, &[]).await
}

/// A refresh with these statements.
async fn with_statements(lab: &Sandbox, text: &str, more: &[&str]) -> Ran {
    std::fs::write(lab.dir.path().join("after.sql"), text).expect("a file");
    lab.run(&[REFRESH, &["--after-restore-sql", "after.sql"], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_a_part_of_the_restore_as_the_sandboxs_role() {
    let lab = small().await;
    let sql = |text: &str| lab.postgres.sql(ACCESS.database, text);
    let text = "UPDATE llx_const SET value = 'it''s \\masked' WHERE name = 'CONST_2';\nCREATE TABLE llx_hook (i int); -- no end\n\
                INSERT INTO llx_hook VALUES (1);\nDO $$ BEGIN PERFORM 1; END $$;";
    // Wiped and restored, and then by differences.
    for more in [&["--full"][..], &[], &[]] {
        lab.api.record.clear();
        let report = with_statements(&lab, text, more).await.assert_code(0).json();
        assert_eq!(report["after_restore_sql"], "after.sql");
        assert_eq!(sql("SELECT value FROM llx_const WHERE name = 'CONST_2'"), "it's \\masked");
        assert_eq!(sql("SELECT i FROM llx_hook"), "1");
        assert_eq!(sql("SELECT tableowner FROM pg_tables WHERE tablename = 'llx_hook'"), "erp_sandbox_role");
        let created = lab.api.record.all().into_iter().filter(|seen| seen.line() == "create jobs");
        assert!(created.map(|seen| seen.body.to_string()).all(|job| !job.contains("masked")), "it is in no manifest");
    }
    lab.run(REFRESH).await.assert_code(0);
    let after = lab.world();
    assert_eq!(after.sandbox, after.production, "without them the sandbox is production's again");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_fail_or_would_end_the_transaction_leave_the_old_sandbox() {
    let lab = small().await;
    lab.postgres.sql(ACCESS.database, "UPDATE llx_const SET value = 'old' WHERE name = 'CONST_2'");
    lab.postgres.sql(ACCESS.database, "GRANT CREATE ON SCHEMA public TO \"v-sandbox-1\"");
    let before = lab.world();
    for (text, says) in [
        ("UPDATE llx_const SET value = ''; SELECT 1/0", "division by zero"),
        ("UPDATE llx_const SET value = ''; COMMIT; BEGIN", "EXECUTE of transaction commands"),
        ("\\! touch /work/ran", "syntax error"),
        ("SET LOCAL ROLE NONE; CREATE TABLE public.llx_hook (i int)", "owned by v-sandbox-1"),
    ] {
        for more in [&["--full"][..], &[]] {
            let ran = with_statements(&lab, text, more).await.assert_code(1).assert_says(says);
            let code = if says.starts_with("owned") { 23 } else { 36 };
            ran.assert_says(&format!("restore refused (exit code {code})"));
            assert_eq!(lab.world(), before, "{text} {more:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_run_at_the_end_and_its_failure_takes_nothing_back() {
    let lab = small().await;
    let script = "echo said; pwd >marker; echo \"$KUBECONFIG\" >>marker";
    let ran = lab.run(&[REFRESH, &["--after", script]].concat()).await.assert_code(0);
    assert_eq!(ran.json()["after"], script);
    let marker = std::fs::read_to_string(lab.dir.path().join("marker")).expect("it was run here");
    assert_eq!(marker, format!("{}\n{}\n", lab.dir.path().display(), lab.kubeconfig().display()));
    assert!(!ran.stderr.contains("said"), "what it says is for -v: {}", ran.stderr);
    lab.run(&[&["-v"], REFRESH, &["--after", script]].concat()).await.assert_code(0).assert_says("| said");
    let failing = ["--min-tables", "10", "refresh-from-prod", "--after", "echo no such user >&2; exit 7"];
    let ran = lab.run(&failing).await.assert_code(1);
    let ran = ran
        .assert_says("[10/10] Run the command")
        .assert_says("the database is production's, and stays so: ")
        .assert_says("Run the command: the command of --after failed")
        .assert_says("no such user");
    assert!(ran.stdout.starts_with("database   "), "{}", ran.stdout);
    let after = lab.world();
    assert_eq!((after.objects["leases"].len(), after.sandbox), (0, after.production));
    let midway = lab.reach(&["--min-tables", "10", "refresh-from-prod", "--after", "exec sleep 600"], "[10/10]").await;
    midway.signal("TERM");
    assert_eq!(midway.end().await.code, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_tells_them_and_what_cannot_be_read_is_a_usage_error() {
    let lab = small().await;
    let missing = ["refresh", "--after-restore-sql", "missing.sql"];
    lab.run(&missing).await.assert_code(2).assert_says("--after-restore-sql missing.sql: No such file");
    std::fs::write(lab.dir.path().join("empty.sql"), "\n ").expect("a file");
    let empty = ["refresh", "--after-restore-sql", "empty.sql"];
    lab.run(&empty).await.assert_code(2).assert_says("there is no statement in it");
    std::fs::write(lab.dir.path().join("after.sql"), "SELECT 1").expect("a file");
    let both = ["--dry-run", "refresh-from-prod", "--after-restore-sql", "after.sql", "--after", "./provision"];
    let ran = lab.run(&[&["--min-tables", "10"], &both[..]].concat()).await.assert_code(0);
    ran.assert_says(
        " 4. Bring the statements into the Job\n    run after.sql in the restore's transaction, as erp_sandbox_role",
    )
    .assert_says("11. Run the command\n    run here: ./provision");
}
