-- A second session, which reads its share of the rows beside the first one. That one has the locks, so both see the same; that both are
-- at the same server, whatever a pooler does, is proved by its snapshot, which no other server knows. It is in sl_snapshot.
-- Comes before pinned.sql and prints.sql. By the lock the first one waits for it. The path comes first: no function of the sandbox's own may
-- run as the login.
SET search_path = pg_catalog;
SELECT set_config(name, value, false) FROM (VALUES ('client_connection_check_interval', '1s'), ('statement_timeout', '0'),
    ('idle_in_transaction_session_timeout', '300s'), ('jit', 'off')) AS wanted(name, value) JOIN pg_settings USING (name) \g ignored
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET TRANSACTION SNAPSHOT :'sl_snapshot';
SELECT pg_advisory_xact_lock(hashtext(:'sl_snapshot')::bigint) \g beside.begun
SET LOCAL ROLE :"sl_role";
\set sl_only `exec cat share`
\set sl_stretches ''
