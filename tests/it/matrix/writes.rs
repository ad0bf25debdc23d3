//! Which statements in a database server's log could have written.

/// What a session that only reads says. Everything else is taken for a write.
const READS: [&str; 12] = [
    "SELECT",
    "SHOW",
    "SET",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "DECLARE",
    "FETCH",
    "CLOSE",
    "PREPARE",
    "EXECUTE",
];

/// The statements of this database that are not known to read only; those of the lab itself (`postgres`) are left out.
pub(super) fn in_log(log: &str, database: &str) -> Vec<String> {
    let at = format!("@{database} ");
    statements(log)
        .filter(|(who, _)| who.contains(&at) && !who.contains(" postgres@"))
        .filter(|(_, statement)| !only_reads(statement))
        .map(|(who, statement)| format!("{who}{statement}"))
        .collect()
}

/// Who (the line's prefix) and what, with the lines that a statement goes on in.
fn statements(log: &str) -> impl Iterator<Item = (&str, String)> {
    let mut lines = log.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let (prefix, said) = lines.next()?.split_once("LOG:  ").unwrap_or_default();
            let statement = said.strip_prefix("statement: ").or_else(|| {
                let named = said.strip_prefix("execute ")?;
                named.split_once(": ").map(|(_, statement)| statement)
            });
            let Some(statement) = statement else { continue };
            let mut statement = statement.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                statement.push('\n');
                statement.push_str(more);
            }
            return Some((prefix, statement));
        }
    })
}

fn only_reads(statement: &str) -> bool {
    let code = statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    let code = code.trim_start().to_uppercase();
    let calls = ["NEXTVAL(", "SETVAL(", "LO_CREATE(", "FOR UPDATE", " INTO TABLE "];
    let begins = |word: &&str| code.starts_with(*word);
    let reads =
        READS.iter().any(begins) || code.starts_with("WITH") && !code.contains("INSERT") && !code.contains("DELETE");
    let locks = code.starts_with("LOCK TABLE") && code.trim_end_matches(';').ends_with("IN ACCESS SHARE MODE");
    let copies = code.starts_with("COPY ") && code.contains("TO STDOUT");
    // Its body is not looked at: the transaction around it is READ ONLY, which the server enforces.
    let counts = code.starts_with("DO $PRINTS$") || code.starts_with("DO $POSITIONS$");
    (reads || locks || copies || counts) && !calls.iter().any(|call| code.contains(call))
}

#[test]
fn writes_are_told_from_reads() {
    let log = "\
2026-01-01 00:00:00.000 UTC [1] v-prod-1@erp sandbox-lifecycle/1 LOG:  statement: SELECT 1
2026-01-01 00:00:00.000 UTC [1] v-prod-1@erp sandbox-lifecycle/1 LOG:  statement: -- a note
\tCOPY public.llx_user (login) TO stdout;
2026-01-01 00:00:00.000 UTC [1] v-prod-1@erp sandbox-lifecycle/1 LOG:  execute dumpFunc: SELECT 2
2026-01-01 00:00:00.000 UTC [1] v-prod-1@erp x LOG:  statement: UPDATE llx_user
\tSET login = 'SELECT'
2026-01-01 00:00:00.000 UTC [1] v-prod-1@erp x LOG:  statement: SELECT setval('s', 1)
2026-01-01 00:00:00.000 UTC [2] postgres@erp lab LOG:  statement: DELETE FROM llx_user
2026-01-01 00:00:00.000 UTC [3] v-sandbox-1@erp-sandbox x LOG:  statement: DROP TABLE llx_user
2026-01-01 00:00:00.000 UTC [3] v-sandbox-1@erp x LOG:  statement: COPY llx_user FROM stdin
";
    let found = in_log(log, "erp");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].ends_with("UPDATE llx_user\n\tSET login = 'SELECT'"), "{found:#?}");
    assert!(found[2].contains("v-sandbox-1@erp "), "{found:#?}");
}
