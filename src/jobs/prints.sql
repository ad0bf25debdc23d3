-- The fingerprint of each table: how many rows, and the sum of a 64-bit hash of each row's text, in whatever order they lie. Names are
-- quoted by the server. ONLY: a partition or an heir is counted as itself; its columns may lie in another order after a restore, so
-- they are taken by name. `sl_only` is a JSON array of names, or empty for all. The answer is the variable sl_tables.
-- Where `sl_stretches` is set, a large table whose key is its first column, an integer, also has the sum of each stretch of 128 keys: when
-- it differs later, only the stretches that differ are compared row by row.
SELECT set_config('sandbox_lifecycle.only', :'sl_only', false), set_config('sandbox_lifecycle.stretches', :'sl_stretches', false) \g ignored
DO $prints$
DECLARE
    relation record;
    rows bigint;
    print numeric;
    stretches json;
    named text := nullif(current_setting('sandbox_lifecycle.only'), '');
    tables text[] := '{}';
BEGIN
    FOR relation IN
        -- A heap without a page holds nothing; most tables of an ERP are so.
        SELECT c.oid, c.relname, c.relkind, c.relam IN (0, 2) AND has_table_privilege(c.oid, 'SELECT') AND pg_relation_size(c.oid) = 0 AS bare, CASE WHEN c.oid IN (SELECT inhrelid FROM pg_inherits) THEN (
            SELECT format('ROW(%s)::text', string_agg(format('sl.%I', attname), ',' ORDER BY attname COLLATE "C"))
            FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) ELSE '(sl.*)::text' END AS line, (
            SELECT quote_ident(attname) FROM pg_index i JOIN pg_attribute a ON attrelid = c.oid AND i.indkey::text = attnum::text
            WHERE i.indrelid = c.oid AND i.indisprimary AND c.relkind = 'r' AND c.oid NOT IN (SELECT inhrelid FROM pg_inherits) AND pg_relation_size(c.oid) >= 2097152
                AND current_setting('server_version_num')::integer >= 120000 AND current_setting('sandbox_lifecycle.stretches') <> ''
                -- An archive does not have what is generated.
                AND coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' AND atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND attnum = (
                    SELECT min(attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)) AS key
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
            AND (named IS NULL OR c.relname IN (SELECT json_array_elements_text(named::json)))
        ORDER BY c.relname COLLATE "C"
    LOOP
        IF relation.bare THEN
            tables := tables || json_build_object('oid', relation.oid::bigint, 'name', relation.relname, 'kind', relation.relkind,
                'rows', 0, 'fingerprint', CASE WHEN current_setting('server_version_num')::integer >= 120000 THEN '0' END)::text;
            CONTINUE;
        END IF;
        IF relation.key IS NOT NULL THEN
            EXECUTE format('SELECT sum(rows)::bigint, coalesce(sum(print), 0), json_object_agg(stretch, print::text) FROM (SELECT %s >> 7 AS stretch, '
                'count(*) AS rows, sum(hashtextextended(%s, 0)) AS print FROM ONLY public.%I sl GROUP BY 1) AS each', relation.key, relation.line,
                relation.relname) INTO rows, print, stretches;
            tables := tables || json_build_object('oid', relation.oid::bigint, 'name', relation.relname, 'kind', relation.relkind,
                'rows', coalesce(rows, 0), 'fingerprint', print::text, 'stretches', stretches)::text;
            CONTINUE;
        END IF;
        EXECUTE format('SELECT count(*), %s FROM ONLY public.%I sl', CASE WHEN current_setting('server_version_num')::integer >= 120000
            THEN format('coalesce(sum(hashtextextended(%s, 0)), 0)', relation.line) ELSE 'NULL::numeric' END, relation.relname) INTO rows, print;
        tables := tables || json_build_object('oid', relation.oid::bigint, 'name', relation.relname, 'kind', relation.relkind,
            'rows', rows, 'fingerprint', print::text)::text;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.tables', '[' || array_to_string(tables, ',') || ']', false);
END
$prints$;
SELECT current_setting('sandbox_lifecycle.tables') AS tables \gset sl_
