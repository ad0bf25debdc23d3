-- Whether the set can be made of the newest one's dump and what has changed since: the schema is still the one that it was made with, which
-- former.sql and stamped.sql have found, and each table is still the one that the dump has by its number, as none is after a restore of all. Tells
-- sl_based. All tables are locked then as pg_dump would do it, so that none is emptied before its rows are read. Follows stamped.sql.
SELECT :'sl_unread' = 'f' AS based \gset sl_
\if :sl_based
    \set sl_base `exec cat "$SET_DIR/former.base"`
    WITH base AS MATERIALIZED (
        SELECT :'sl_base'::json AS s
    ), here AS (
        SELECT oid::bigint, relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
    )
    SELECT (SELECT s ->> 'format' FROM base) = :'sl_format' AND NOT EXISTS (SELECT FROM here FULL JOIN (
            SELECT w.* FROM base, json_to_recordset(s -> 'tables') AS w(oid bigint, name text)) AS w USING (oid, name)
        WHERE here.oid IS NULL OR w.oid IS NULL) AS based FROM base \gset sl_
\endif
\if :sl_based
    SELECT format('LOCK TABLE %s IN ACCESS SHARE MODE', string_agg(format('ONLY public.%I', name), ', '))
    FROM json_to_recordset(:'sl_base'::json -> 'tables') AS t(name text) HAVING count(*) > 0 \gexec
\endif
SELECT :'sl_based' \g told
