-- What the snapshot holds, and the manifest of it, whose last word is that it is complete. Follows schema.sql and prints.sql.
-- A snapshot keeps nobody from altering a table before it is read, and some of that shows in it at once: one that was written anew is empty
-- to it, for pg_dump, too, and rows have the columns of now. These functions know the present, what they are compared with is the
-- snapshot's; up to PostgreSQL 13 the second one says nothing of columns that are none. From here on each table is locked, as it was read.
SELECT 13 AS code, count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', 13, 'reason', format('in %s tables were altered while '
    'they were read; take it again', :'sl_reads'), 'items', json_agg(c.relname))::text AS event
FROM json_to_recordset(:'sl_tables') AS t(oid oid) JOIN pg_class c USING (oid)
WHERE c.relkind = 'r' AND pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode
    OR current_setting('server_version_num')::integer >= 140000 AND (has_column_privilege(c.oid, (c.relnatts + 1)::smallint, 'SELECT') IS NOT NULL
        OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND has_column_privilege(c.oid, attnum, 'SELECT') IS NULL)) \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
SELECT :'sl_tables' \g :sl_set_dir/source.tables
SELECT concat_ws(' ', t.oid, t.kind, (left(t.name, length(:'sl_prefix')) = :'sl_prefix')::integer)
FROM json_to_recordset(:'sl_tables') AS t(oid bigint, name text, kind text) \g source.oids

-- The functions to leave out: by oid where pg_restore lists one, by the exact start of the tag where it does not.
SELECT p.oid || E'\t' || translate(format('FUNCTION %I(', p.proname), E'\n\r', '  ') FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY (string_to_array(:'sl_skip', E'\n')) \g :sl_set_dir/source.skipped

SELECT json_build_object('event', 'counted', 'tables', count(*),
    'prefixed', count(*) FILTER (WHERE left(t.name, length(:'sl_prefix')) = :'sl_prefix'), 'rows', coalesce(sum(t.rows), 0),
    'sequences', (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'),
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata),
    'owners', (SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(owner)), '[]') FROM (
        SELECT datdba FROM pg_database WHERE datname = current_database()
        UNION SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')) o(owner)))
FROM json_to_recordset(:'sl_tables') AS t(name text, rows bigint) \g |exec cat
SELECT json_build_object('format', :sl_format, 'rules', :'sl_rules', 'identity', :'sl_identity'::json, 'encoding', getdatabaseencoding(),
    'schema', nullif(:'sl_schema', ''),
    'rows', (SELECT coalesce(sum(rows), 0) FROM json_to_recordset(:'sl_tables') AS t(rows bigint)), 'tables', :'sl_tables'::json,
    'sequences', :'sl_sequences'::json, 'objects', :'sl_objects'::json) \g :sl_set_dir/source.manifest.part
\o told
\qecho counted
\o
