//! A statement of the restore that fails: at each tenth of them, and where rows alone are put back, at each tenth of the tables.

use super::arena::{Arena, finish};
use super::case::Case;
use crate::support::postgres::SANDBOX;
use crate::support::sandbox::Ran;

/// Superuser's, so that the wipe leaves it alone; a sequence counts on through a transaction that is rolled back.
const GUARD: &str = "
    CREATE SCHEMA guard; CREATE SEQUENCE guard.statements; CREATE TABLE guard.fatal AS SELECT 0::bigint AS number;
    CREATE FUNCTION guard.count() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
    BEGIN
        IF nextval('guard.statements') = (SELECT number FROM guard.fatal) THEN RAISE 'not today'; END IF;
    END
    $body$;
    CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION guard.count();";

/// One for each tenth.
pub(super) fn cases() -> Vec<Case> {
    (1..=10).map(|tenth| Case::Statement { tenth }).collect()
}

/// One for each tenth.
pub(super) fn cases_of_rows() -> Vec<Case> {
    (1..=10).map(|tenth| Case::Rows { tenth }).collect()
}

/// Those that differ, in the order in which they are put back.
const TABLES: &str = r#"SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND relname LIKE 'llx%' AND relname <> 'llx_experiment' ORDER BY relname COLLATE "C""#;

/// A run in which one table takes no rows, so many tenths on the way: those of the tables before it are in their place by then.
pub(super) async fn run_without_rows(arena: &mut Arena, tenth: usize) -> Result<Ran, String> {
    let sql = |text: &str| arena.lab.postgres.sql(SANDBOX.database, text);
    let tables = sql(TABLES);
    let tables: Vec<&str> = tables.lines().collect();
    let table = tables[(tables.len() * tenth / 10).max(1) - 1];
    sql(&format!("REVOKE INSERT ON {table} FROM erp_sandbox_role"));
    let ran = finish(arena.start()).await;
    sql(&format!("GRANT INSERT ON {table} TO erp_sandbox_role"));
    let ran = ran?;
    match ran.code == 1 && ran.stderr.contains(&format!("permission denied for table {table}")) {
        true => Ok(ran),
        false => Err(format!("exit code {}, {table} takes no rows:\n{}", ran.code, ran.stderr)),
    }
}

/// How many statements a restore has that define something.
pub(super) async fn count(arena: &mut Arena) -> Result<u64, String> {
    let (ran, count) = counted(arena, 0).await?;
    arena.judge(&ran, false).await?;
    Ok(count)
}

/// A run whose n-th statement that defines something fails; 0 is none of them.
pub(super) async fn run(arena: &mut Arena, fatal: u64) -> Result<Ran, String> {
    let (ran, count) = counted(arena, fatal).await?;
    match ran.code == 1 && ran.stderr.contains("guard.count()") && count == fatal {
        true => Ok(ran),
        false => Err(format!("exit code {} after {count} statements:\n{}", ran.code, ran.stderr)),
    }
}

async fn counted(arena: &mut Arena, fatal: u64) -> Result<(Ran, u64), String> {
    let sql = |text: &str| arena.lab.postgres.sql(SANDBOX.database, text);
    sql(&format!("{GUARD} UPDATE guard.fatal SET number = {fatal}"));
    let ran = finish(arena.start()).await;
    let count = sql("SELECT last_value FROM guard.statements");
    sql("DROP EVENT TRIGGER guard; DROP SCHEMA guard CASCADE");
    Ok((ran?, count.parse().expect("a number")))
}
