-- The second part of the comparison: the way, and what has to move.
WITH set AS MATERIALIZED (
    SELECT :'sl_set'::jsonb AS s
), wanted AS MATERIALIZED (
    SELECT w.* FROM set, jsonb_to_recordset(s -> 'tables') AS w(oid bigint, name text, rows bigint, fingerprint text)
), here AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_tables'::json) AS h(oid oid, name text, rows bigint, fingerprint text)
), differing AS MATERIALIZED (
    SELECT w.oid AS source, h.oid, name, w.rows AS wanted, h.rows AS found FROM wanted w FULL JOIN here h USING (name)
    WHERE (w.rows, w.fingerprint) IS DISTINCT FROM (h.rows, h.fingerprint)
), moved AS MATERIALIZED (
    SELECT w.* FROM set, jsonb_to_recordset(s -> 'sequences') AS w(name text, last_value bigint, is_called boolean)
    WHERE NOT EXISTS (SELECT FROM json_to_recordset(:'sl_sequences'::json) AS h(name text, last_value bigint, is_called boolean)
        WHERE (h.name, h.last_value, h.is_called) = (w.name, w.last_value, w.is_called))
), obstacle(rank, why) AS (
    SELECT 2, 'the set has no fingerprints' FROM set WHERE s ->> 'schema' IS NULL OR EXISTS (SELECT FROM wanted WHERE fingerprint IS NULL)
    UNION ALL SELECT 2, 'another version of this tool took the fingerprint of the schema' FROM set WHERE (s ->> 'format' IN ('2', '3')) IS NOT TRUE
    UNION ALL SELECT 3, 'the encodings differ' FROM set WHERE s ->> 'encoding' <> getdatabaseencoding()
    UNION ALL SELECT 4, 'the schema differs' FROM set WHERE s ->> 'schema' IS DISTINCT FROM nullif(:'sl_schema', '')
    UNION ALL SELECT 5, 'temporary tables are not allowed' WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')
    UNION ALL
    (SELECT 6, format('foreign key %I of %I is not deferrable, or acts by itself', conname, relname) FROM pg_constraint
        JOIN pg_class c ON c.oid = conrelid WHERE contype = 'f' AND (NOT condeferrable OR confdeltype <> 'a' OR confupdtype <> 'a')
            AND (conrelid IN (SELECT oid FROM differing) OR confrelid IN (SELECT oid FROM differing)) ORDER BY conname LIMIT 1)
    UNION ALL
    (SELECT 7, format('table %I has partitions, heirs, rules or forced row security', name) FROM differing JOIN pg_class c USING (oid)
        WHERE c.relispartition OR c.relkind = 'p' OR c.relhasrules OR c.relforcerowsecurity
            OR oid IN (SELECT inhrelid FROM pg_inherits UNION ALL SELECT inhparent FROM pg_inherits) ORDER BY name LIMIT 1)
    UNION ALL
    -- The server refuses to delete from it.
    (SELECT 7, format('table %I is published and has no replica identity', name) FROM differing JOIN pg_class c USING (oid)
        WHERE (c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = oid AND indisprimary))
            AND EXISTS (SELECT FROM pg_publication_tables t JOIN pg_publication p USING (pubname)
                WHERE t.schemaname = 'public' AND t.tablename = name AND (p.pubdelete OR p.pubupdate)) ORDER BY name LIMIT 1)
    UNION ALL
    -- As they came they may violate it; one by one they are looked at again. One of a domain may hold for any of them.
    (SELECT 8, format('constraint %I is NOT VALID, and rows may be as it does not allow', conname) FROM pg_constraint
        WHERE NOT convalidated AND (conrelid IN (SELECT oid FROM differing) OR confrelid IN (SELECT oid FROM differing)
            OR contypid <> 0 AND EXISTS (SELECT FROM differing)) ORDER BY conname LIMIT 1)
    UNION ALL
    SELECT 9, 'most rows are in tables that differ' FROM differing HAVING sum(greatest(wanted, found)) > greatest(200000, (
        SELECT sum(rows) * 6 / 10 FROM wanted))
), way AS (
    SELECT (SELECT why FROM obstacle ORDER BY rank LIMIT 1) AS why
)
SELECT CASE WHEN why IS NULL THEN 'differences' ELSE 'full' END AS mode, (why IS NOT NULL) AS full,
    json_build_object('event', 'compared', 'mode', CASE WHEN why IS NULL THEN 'differences' ELSE 'full' END, 'why', coalesce(why, 'the schema is the same'),
        'tables', (SELECT count(*) FROM wanted), 'differing', (SELECT CASE WHEN :'sl_only' = '' THEN count(*) END FROM differing),
        'sequences', (SELECT CASE WHEN :'sl_only' = '' THEN count(*) END FROM moved))::text AS compared,
    coalesce((SELECT json_agg(json_build_object('n', n, 'oid', oid::bigint, 'source', source, 'name', name)) FROM (
        SELECT row_number() OVER (ORDER BY name COLLATE "C") AS n, * FROM differing) AS each), '[]') AS moving,
    coalesce((SELECT json_agg(name) FROM differing), '[]') AS only,
    coalesce((SELECT json_agg(row_to_json(moved)) FROM moved), '[]') AS resting
FROM way \gset sl_
SELECT :'sl_compared' \g |exec cat
SELECT CASE WHEN :'sl_mode' = 'differences' AND :'sl_moving' = '[]' AND :'sl_resting' = '[]' THEN 'same' ELSE :'sl_mode' END \g mode
\if :sl_full
    ROLLBACK;
    \set sl_moving '[]'
\endif
