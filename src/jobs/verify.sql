-- What stands now against the set, still inside the transaction: each table of `sl_only` (all, when it is empty) and every sequence.
-- Follows prints.sql, which has read them.
\set sl_whose `case $SOURCE in production) echo production ;; own-backup) echo "the backup" ;; *) echo "the $SOURCE" ;; esac`
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
        WHEN w.rows <> f.rows THEN format('table %s has %s rows, %s had %s', name, f.rows, :'sl_whose', w.rows)
        ELSE format('table %s has other rows than %s had', name, :'sl_whose') END
    FROM wanted w FULL JOIN found f USING (name) CROSS JOIN set
    WHERE (these IS NULL OR name IN (SELECT json_array_elements_text(these))) AND (f.name IS NULL OR w.name IS NULL OR w.rows <> f.rows
        -- In another encoding the same text hashes otherwise.
        OR w.fingerprint <> f.fingerprint AND s ->> 'encoding' = getdatabaseencoding())
    UNION ALL
    SELECT CASE WHEN f.name IS NULL THEN format('sequence %s is missing', name) WHEN w.name IS NULL THEN format('sequence %s is not of %s', name, :'sl_whose')
        ELSE format('sequence %s is at %s, of %s it was at %s', name, f.last_value, :'sl_whose', w.last_value) END
    FROM resting w FULL JOIN moved f USING (name) WHERE (w.last_value, w.is_called) IS DISTINCT FROM (f.last_value, f.is_called)
)
SELECT txid_current() <> :sl_xid OR EXISTS (SELECT FROM problem) AS refused, json_build_object('event', 'refused', 'code', 31, 'reason',
    CASE WHEN txid_current() <> :sl_xid THEN 'the dump ended the transaction that it was restored in: the sandbox must be refreshed again'
        ELSE 'what was restored is not what was dumped; it was rolled back' END,
    'items', (SELECT coalesce(json_agg(says), '[]') FROM problem))::text AS event,
    json_build_object('event', 'verified', 'tables', (SELECT count(*) FROM wanted), 'rows', (SELECT coalesce(sum(rows), 0) FROM wanted),
        'sequences', (SELECT count(*) FROM resting))::text AS verified \gset sl_
\if :sl_refused
    SELECT 31, :'sl_event' \g outcome
    \quit
\endif
SELECT :'sl_verified' \g |cat
