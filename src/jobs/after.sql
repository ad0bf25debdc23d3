-- The operator's own statements, in the transaction that is about to be committed, as the sandbox's role: one string to the server, so that
-- nothing in it can end the transaction, and nothing is psql's. Follows verify.sql; what it leaves is checked again.
\! : >after.begun
\set sl_after `exec cat "$SET_DIR/after.sql"`
SET LOCAL ROLE :"sl_role";
SET LOCAL search_path TO DEFAULT;
SET LOCAL row_security TO DEFAULT;
SET LOCAL check_function_bodies TO DEFAULT;
SELECT set_config('sandbox_lifecycle.after', :'sl_after', true) \g ignored
DO $after$ BEGIN EXECUTE current_setting('sandbox_lifecycle.after'); END $after$;
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL ROLE NONE;
SET LOCAL search_path = pg_catalog;
SELECT '{"event":"adjusted"}' \g |exec cat
\! rm -f after.begun
