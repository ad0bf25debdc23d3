-- Which tables and sequences differ from the set's, and what of the schema. Rows can be compared one by one where the table is defined
-- alike; where it is not, all of them are other rows. Follows schema.sql and prints.sql.
WITH wanted AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_set'::json -> 'tables') AS w(oid bigint, name text, rows bigint, fingerprint text)
), here AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_tables'::json) AS h(oid oid, name text, rows bigint, fingerprint text)
), object AS MATERIALIZED (
    SELECT called, w.value IS NULL AS new, h.value IS NULL AS gone FROM (SELECT key AS called, value FROM json_each_text(:'sl_set'::json -> 'objects')) w
    FULL JOIN (SELECT key AS called, value FROM json_each_text(:'sl_objects'::json)) h USING (called) WHERE w.value IS DISTINCT FROM h.value
), differing AS MATERIALIZED (
    SELECT w.oid AS source, h.oid, name, coalesce(w.rows, 0) AS wanted, coalesce(h.rows, 0) AS found, w.oid IS NOT NULL AND h.oid IS NOT NULL
        AND 'table ' || quote_ident(name) NOT IN (SELECT called FROM object) AND :'sl_set'::json ->> 'encoding' = getdatabaseencoding() AS alike
    FROM wanted w FULL JOIN here h USING (name) WHERE (w.rows, w.fingerprint) IS DISTINCT FROM (h.rows, h.fingerprint)
)
SELECT coalesce((SELECT json_agg(json_build_object('n', n, 'oid', oid::bigint, 'source', source, 'name', name)) FROM (
        SELECT row_number() OVER (ORDER BY name COLLATE "C") AS n, * FROM differing WHERE alike) AS each), '[]') AS moving,
    coalesce((SELECT json_agg(json_build_object('name', name, 'added', found, 'changed', 0, 'removed', wanted)) FROM differing
        WHERE NOT alike AND found + wanted > 0), '[]') AS others,
    (SELECT coalesce(json_agg(called || CASE WHEN new THEN ' is new' WHEN gone THEN ' is gone' ELSE ' is another' END
        ORDER BY called COLLATE "C"), '[]') FROM object) AS what \gset sl_
SELECT json_build_object('event', 'schema_changed', 'what', :'sl_what'::json) WHERE json_array_length(:'sl_what') > 0 \g |exec cat
SELECT coalesce(json_agg(json_build_object('event', 'sequence_changed', 'name', name, 'was', w.says, 'is', h.says) ORDER BY name COLLATE "C"), '[]') AS moved
FROM (SELECT name, json_build_object('last_value', last_value, 'is_called', is_called) AS says
    FROM json_to_recordset(:'sl_set'::json -> 'sequences') AS w(name text, last_value bigint, is_called boolean)) AS w
FULL JOIN (SELECT name, json_build_object('last_value', last_value, 'is_called', is_called) AS says
    FROM json_to_recordset(:'sl_sequences'::json) AS w(name text, last_value bigint, is_called boolean)) AS h USING (name)
WHERE w.says::text IS DISTINCT FROM h.says::text \gset sl_
