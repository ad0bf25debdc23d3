-- A database, read once: identity, exact counts and the dump see one snapshot. Follows dump.sql; nothing is told before there is one.
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
-- Of the manifest, and the sum of the text that the schema is fingerprinted by: what one with another says was found in another way.
\set sl_format 3
\set sl_rules `printf %s "$SCHEMA_SQL" | sha256sum | cut -c 1-64`
