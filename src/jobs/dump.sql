-- Production, read once: identity, exact counts and the dump see one snapshot. Follows identity.sql.
-- A refusal goes to the file `outcome` as CODE|EVENT.
\set sl_prefix `printf %s "$TABLE_PREFIX"`
\set sl_min_tables `printf %s "$MIN_TABLES"`
\set sl_skip `printf %s "$SKIP_FUNCTIONS"`
\set sl_client_major `printf %s "$CLIENT_MAJOR"`
SELECT '{"event":"source",' || substr(:'sl_identity', 2) \g |cat

-- The server itself says whether it would let this session write: a pooler may have stripped PGOPTIONS.
WITH finding(code, reason) AS (
    SELECT 11, format('production accepts writes from %s: the server did not get default_transaction_read_only=on (a pooler in '
        'between strips options). Fix: ALTER ROLE %1$I IN DATABASE %I SET default_transaction_read_only = on, or connect '
        'past the pooler', session_user, current_database())
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
SELECT pg_export_snapshot() AS snapshot \gset sl_

-- Counted one by one, names quoted by the server. ONLY: a partition or an heir is counted as itself.
DO $count$
DECLARE
    relation record;
    rows bigint;
    counted text[] := '{}';
BEGIN
    FOR relation IN
        SELECT c.oid, c.relname, c.relkind FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM ONLY public.%I', relation.relname) INTO rows;
        counted := counted || json_build_object('oid', relation.oid::bigint, 'name', relation.relname, 'kind', relation.relkind,
            'rows', rows)::text;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.tables', '[' || array_to_string(counted, ',') || ']', true);
END
$count$;
SELECT current_setting('sandbox_lifecycle.tables') AS tables \gset sl_
SELECT :'sl_tables' \g source.tables
SELECT concat_ws(' ', t.oid, t.kind, (left(t.name, length(:'sl_prefix')) = :'sl_prefix')::integer)
FROM json_to_recordset(:'sl_tables') AS t(oid bigint, name text, kind text) \g source.oids

-- What the other container must know of production: who it is, whose it is, which extensions it has.
SELECT json_build_object('identity', :'sl_identity'::json,
    'owners', (SELECT json_agg(DISTINCT pg_get_userbyid(owner)) FROM (
        SELECT datdba FROM pg_database WHERE datname = current_database()
        UNION SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')) o(owner)),
    'extensions', (SELECT coalesce(json_agg(extname), '[]') FROM pg_extension WHERE extname <> 'plpgsql'),
    'relations', (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        OR oid IN (SELECT reltoastrelid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        OR oid IN (SELECT i.indexrelid FROM pg_index i JOIN pg_class t ON t.reltoastrelid = i.indrelid
                   WHERE t.relnamespace = 'public'::regnamespace))) \g source.identity
-- The functions to leave out: by oid where pg_restore lists one, by the exact start of the tag where it does not.
SELECT p.oid || E'\t' || translate(format('FUNCTION %I(', p.proname), E'\n\r', '  ') FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY (string_to_array(:'sl_skip', E'\n')) \g source.skipped

SELECT json_build_object('event', 'counted', 'tables', count(*),
    'prefixed', count(*) FILTER (WHERE left(t.name, length(:'sl_prefix')) = :'sl_prefix'), 'rows', coalesce(sum(t.rows), 0),
    'sequences', (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'),
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata))
FROM json_to_recordset(:'sl_tables') AS t(name text, rows bigint) \g |cat
SELECT 16, json_build_object('event', 'refused', 'code', 16, 'reason', format('production has %s tables with the prefix %s, fewer '
    'than --min-tables %s: this is not the database it should be, or --table-prefix is wrong', count(*), :'sl_prefix',
    :'sl_min_tables'), 'items', json_build_array())
FROM json_to_recordset(:'sl_tables') AS t(name text)
WHERE left(t.name, length(:'sl_prefix')) = :'sl_prefix' HAVING count(*) < :sl_min_tables \g outcome
\set sl_refused `[ ! -s outcome ] || echo on`
SELECT :'sl_refused' = 'on' AS refused \gset sl_
\if :sl_refused
    \quit
\endif

-- This session holds the snapshot open while its own child dumps it: neither can wait for the other in vain.
\setenv SNAPSHOT :sl_snapshot
-- Level 1, as measured: much faster than the default, and a fifth of the space of no compression at all.
\! pg_dump -w -Fc -Z1 --schema=public --snapshot="$SNAPSHOT" --lock-wait-timeout=60s -f source.dump </dev/null 2>dump.err & echo "$!" >dump.pid; wait "$!"; echo "$?" >dump.status; : >dump.pid
