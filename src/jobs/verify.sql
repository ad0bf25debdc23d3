-- What stands now against the set, still inside the transaction: each table of `sl_only` (all, when it is empty), every sequence, and the
-- schema, object by object where it is not the same. Follows schema.sql and prints.sql, which have read them.
\set sl_whose `case $SOURCE in production) echo production ;; own-backup) echo "the backup" ;; *) echo "the $SOURCE" ;; esac`
-- Another major version, or an older set, describes the same objects in other words.
SELECT coalesce(s ->> 'format' IN ('2', '3') AND :'sl_fingerprints' = 't'
        AND (s -> 'identity' ->> 'server_version_num')::integer / 10000 = current_setting('server_version_num')::integer / 10000, false) AS alike,
    -- In another encoding the same text hashes otherwise.
    s ->> 'encoding' = getdatabaseencoding() AS encoded, coalesce(nullif(:'sl_schema', '') = s ->> 'schema', false) AS equal
FROM (SELECT :'sl_set'::json AS s) AS set \gset sl_
SELECT :'sl_alike' = 't' AND :'sl_encoded' = 't' AND :'sl_equal' <> 't' AS apart \gset sl_
\if :sl_apart
    \set sl_manifest `exec cat "$SET_DIR/source.manifest"`
\else
    \set sl_manifest '{}'
\endif
WITH set AS (
    SELECT :'sl_set'::json AS s, nullif(:'sl_only', '')::json AS these
), wanted AS MATERIALIZED (
    SELECT w.* FROM set, json_to_recordset(s -> 'tables') AS w(name text, rows bigint, fingerprint text)
), found AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_tables'::json) AS f(name text, rows bigint, fingerprint text)
), resting AS MATERIALIZED (
    SELECT w.* FROM set, json_to_recordset(s -> 'sequences') AS w(name text, last_value bigint, is_called boolean)
), moved AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_sequences'::json) AS f(name text, last_value bigint, is_called boolean)
), problem(says) AS (
    SELECT CASE WHEN f.name IS NULL THEN format('table %s is missing', name)
        WHEN w.name IS NULL THEN format('table %s is not of %s', name, :'sl_whose')
        WHEN w.rows <> f.rows THEN format('table %s has %s row%s, %s had %s', name, f.rows, CASE f.rows WHEN 1 THEN '' ELSE 's' END, :'sl_whose', w.rows)
        ELSE format('table %s has other rows than %s had', name, :'sl_whose') END
    FROM wanted w FULL JOIN found f USING (name) CROSS JOIN set
    WHERE (these IS NULL OR name IN (SELECT json_array_elements_text(these))) AND (f.name IS NULL OR w.name IS NULL OR w.rows IS DISTINCT FROM f.rows
        OR w.fingerprint <> f.fingerprint AND :'sl_encoded' = 't')
    UNION ALL
    SELECT CASE WHEN f.name IS NULL THEN format('sequence %s is missing', name) WHEN w.name IS NULL THEN format('sequence %s is not of %s', name, :'sl_whose')
        ELSE format('sequence %s is at %s, of %s it was at %s', name, f.last_value, :'sl_whose', w.last_value) END
    FROM resting w FULL JOIN moved f USING (name) WHERE (w.last_value, w.is_called) IS DISTINCT FROM (f.last_value, f.is_called)
    UNION ALL
    -- Nothing keeps an application that stays connected from making one; where all was restored, all was just read.
    SELECT format('table %s is not of %s: it was made meanwhile, run it again', relname, :'sl_whose')
    FROM pg_class, set WHERE these IS NOT NULL AND relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname NOT IN (SELECT name FROM wanted)
        AND oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
    UNION ALL
    SELECT CASE WHEN f.value IS NULL THEN format('%s is missing', called) WHEN w.value IS NULL THEN format('%s is not of %s', called, :'sl_whose')
        ELSE format('%s is another than %s had', called, :'sl_whose') END
    FROM (SELECT key AS called, value FROM json_each_text(:'sl_manifest'::json -> 'objects')) AS w
    FULL JOIN (SELECT key AS called, value FROM json_each_text(:'sl_objects'::json)) AS f USING (called)
    WHERE :'sl_apart' = 't' AND w.value IS DISTINCT FROM f.value
), untold(says) AS (
    SELECT 'the schema, as the set was made by another version of PostgreSQL or of this tool' WHERE :'sl_alike' <> 't'
    UNION ALL
    SELECT 'the schema, as the encodings differ' WHERE :'sl_alike' = 't' AND :'sl_encoded' <> 't' AND :'sl_equal' <> 't'
    UNION ALL
    SELECT 'the rows of all tables, which were only counted: the encodings differ' WHERE :'sl_encoded' <> 't'
    UNION ALL
    SELECT 'the rows of all tables, which were only counted: before PostgreSQL 12 a server has no fingerprints'
    WHERE :'sl_encoded' = 't' AND EXISTS (SELECT FROM wanted JOIN found f USING (name) WHERE wanted.fingerprint IS NULL OR f.fingerprint IS NULL)
    UNION ALL
    SELECT format('%s materialized view%s, filled anew from the tables', count(*), CASE count(*) WHEN 1 THEN '' ELSE 's' END) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'm' AND relispopulated HAVING count(*) > 0
)
SELECT txid_current() <> :sl_xid OR EXISTS (SELECT FROM problem) AS refused, json_build_object('event', 'refused', 'code', 31, 'reason',
    CASE WHEN txid_current() <> :sl_xid THEN 'the dump ended the transaction that it was restored in: the sandbox must be refreshed again'
        ELSE 'what was restored is not what was dumped; it was rolled back' END,
    'items', (SELECT coalesce(json_agg(says), '[]') FROM problem))::text AS event,
    json_build_object('event', 'verified', 'tables', (SELECT count(*) FROM wanted), 'rows', (SELECT coalesce(sum(rows), 0) FROM wanted),
        'sequences', (SELECT count(*) FROM resting), 'not_compared', (SELECT coalesce(json_agg(says), '[]') FROM untold))::text AS verified \gset sl_
\if :sl_refused
    SELECT 31, :'sl_event' \g outcome
    \quit
\endif
SELECT :'sl_verified' \g |exec cat
