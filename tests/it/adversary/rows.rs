//! What the server says of a row that it refuses holds its values: personal data, hashes of passwords. Nothing of that is told.

use crate::support::postgres::{PRODUCTION, Production};
use crate::support::sandbox::{SANDBOX, Sandbox};

/// In production the check holds, in the sandbox it does not.
const REFUSED: &str = "
    CREATE FUNCTION public.here(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT current_database() = ''erp''';
    CREATE TABLE public.llx_secrets (login text, pass text CHECK (public.here(pass)));
    INSERT INTO public.llx_secrets VALUES ('fine', 'fine'), ('hunter2', '$2y$hunter2');
    ALTER TABLE public.llx_secrets OWNER TO erp_role; ALTER FUNCTION public.here(text) OWNER TO erp_role";

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_refused_row_is_told_by_a_run_or_by_anything_it_leaves() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    lab.postgres.sql(PRODUCTION.database, REFUSED);
    let ran = lab.run(&["-v", "--output", "json", "--min-tables", "10", "refresh-from-prod"]).await.assert_code(1);
    // With -v the log of the Job's Pod is in it, as `kubectl logs` has it.
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("    | CONTEXT:  COPY llx_secrets, line 1") && said.contains("23514"), "{said}");
    let events = lab.store.list("events", Some(SANDBOX)).iter().map(ToString::to_string).collect::<String>();
    for text in [said, events] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
