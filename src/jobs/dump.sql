-- A database, read once: identity, exact counts and the dump see one snapshot. Follows identity.sql; sl_client_major is pg_dump's version.
-- A refusal goes to the file `outcome` as CODE|EVENT.
\set sl_only ''
\set sl_stretches t
-- Of the manifest, and the sum of the text that the schema is fingerprinted by: what one with another says was found in another way.
\set sl_format 3
\set sl_rules `printf %s "$SCHEMA_SQL" | sha256sum | cut -c 1-64`
\set sl_unread t
SELECT 1 \g reached
-- A client that has vanished with its node must not keep tables locked: by its own defaults the server would wait for a quarter of an
-- hour, or for two. Five minutes without an answer, since a client whose disk is slow takes nothing for a while either. In `options` is what
-- pg_dump's session is to have as well, of what this server knows. It waits in its transaction until pg_dump is done, however long that takes.
SELECT string_agg(format('-c %s=%s', name, set_config(name, value, false)), ' ') FROM (VALUES ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '300000'),
    ('client_connection_check_interval', '10000'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0')) AS wanted(name, value)
    JOIN pg_settings USING (name) \g options
SELECT '{"event":"source",' || substr(:'sl_identity', 2) \g |exec cat

-- The server itself says whether it would let this session write: a pooler may have stripped PGOPTIONS.
WITH finding(code, reason) AS (
    SELECT 11, format('%s accepts writes from %s: the server did not get default_transaction_read_only=on (a pooler in '
        'between strips options). Fix: ALTER ROLE %2$I IN DATABASE %I SET default_transaction_read_only = on, or connect '
        'past the pooler', :'sl_reads', session_user, current_database())
    WHERE current_setting('transaction_read_only') <> 'on'
    UNION ALL
    SELECT 12, format('pg_dump is of version %s, older than the server''s %s. Fix: --pg-image docker.io/library/postgres:%2$s',
        :'sl_client_major', current_setting('server_version_num')::integer / 10000)
    WHERE current_setting('server_version_num')::integer / 10000 > :sl_client_major
)
SELECT code, json_build_object('event', 'refused', 'code', code, 'reason', reason, 'items', json_build_array())::text
FROM finding ORDER BY code LIMIT 1 \g outcome
\set sl_refused `[ ! -s outcome ] || echo on`
SELECT :'sl_refused' = 'on' AS refused \gset sl_
\if :sl_refused
    \quit
\endif

BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL row_security = off;
-- As long as pg_dump waits: behind a table that is being rewritten, or a transaction that was forgotten.
SET LOCAL lock_timeout = '60s';
SELECT 16 AS code, count(*) < :sl_min_tables AS refused, json_build_object('event', 'refused', 'code', 16, 'reason', format('%s has %s tables '
    'with the prefix %s, fewer than --min-tables %s: this is not the database it should be, or --table-prefix is wrong', :'sl_reads',
    count(*), :'sl_prefix', :'sl_min_tables'), 'items', json_build_array())::text AS event
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND left(relname, length(:'sl_prefix')) = :'sl_prefix' \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
SELECT pg_export_snapshot() \g told
