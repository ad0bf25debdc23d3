-- The fingerprint of schema public from the catalog alone: all that the archive carries of it, object by object, without owners, grants
-- and the functions to skip. What is a kind that is not described here makes it empty: then nobody may take two schemas for the same.
-- Expressions come qualified, as search_path is pg_catalog alone. An heir's columns may lie in another order after a restore. The answers are the variables sl_schema and sl_objects.
\set sl_schema ''
\set sl_objects '{}'
\if :sl_fingerprints
-- What a set of format 2 was made without is left out where it is compared with one.
\set sl_older f
\if :{?sl_set}
SELECT coalesce(:'sl_set'::json ->> 'format' = '2', false) AS older \gset sl_
\endif
SELECT CASE WHEN current_setting('server_version_num')::integer >= 140000 THEN 'a.attcompression' ELSE 'NULL' END AS compression,
    CASE WHEN current_setting('server_version_num')::integer >= 130000 AND :'sl_older' <> 't' THEN 's.stxstattarget' ELSE 'NULL' END AS target \gset sl_
WITH part AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS MATERIALIZED (
    SELECT c.*, CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type'
        ELSE 'table' END || ' ' || quote_ident(c.relname) AS called
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('i', 'I', 't')
        AND c.oid NOT IN (SELECT objid FROM part WHERE classid = 'pg_class'::regclass)
), routine AS MATERIALIZED (
    SELECT p.oid, p.prokind, format('function %I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS called FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.proname <> ALL (string_to_array(:'sl_skip', E'\n'))
        AND p.oid NOT IN (SELECT objid FROM part WHERE classid = 'pg_proc'::regclass)
), type AS MATERIALIZED (
    SELECT t.*, 'type ' || quote_ident(t.typname) AS called FROM pg_type t
    WHERE t.typnamespace = 'public'::regnamespace AND t.typrelid = 0 AND t.typtype <> 'm' AND t.oid NOT IN (SELECT typarray FROM pg_type)
        AND t.oid NOT IN (SELECT objid FROM part WHERE classid = 'pg_type'::regclass)
), bound AS MATERIALIZED (
    SELECT n.oid, format('constraint %I of %s', n.conname, coalesce(r.called, t.called)) AS called, pg_get_constraintdef(n.oid) AS says,
        n.conislocal
    FROM pg_constraint n LEFT JOIN relation r ON r.oid = n.conrelid LEFT JOIN type t ON t.oid = n.contypid
    WHERE (r.oid IS NOT NULL OR t.oid IS NOT NULL) AND n.contype <> 't'
), index AS MATERIALIZED (
    SELECT c.*, format('index %I of %s', c.relname, r.called) AS called, i.indisclustered, i.indisreplident
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN relation r ON r.oid = i.indrelid
    WHERE i.indisvalid OR r.relkind = 'p'
), trigger AS MATERIALIZED (
    SELECT t.oid, format('trigger %I of %s', t.tgname, r.called) AS called, pg_get_triggerdef(t.oid) AS says, t.tgenabled
    FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
), rule AS MATERIALIZED (
    SELECT w.oid, format('rule %I of %s', w.rulename, r.called) AS called, pg_get_ruledef(w.oid) AS says, w.ev_enabled
    FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
), policy AS MATERIALIZED (
    SELECT p.*, format('policy %I of %s', p.polname, r.called) AS called FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
), statistics AS MATERIALIZED (
    SELECT s.oid, format('statistics %I', s.stxname) AS called, concat_ws('|', pg_get_statisticsobjdef(s.oid), nullif(:sl_target::integer, -1)) AS says
    FROM pg_statistic_ext s
    WHERE s.stxnamespace = 'public'::regnamespace
), commented AS MATERIALIZED (
    SELECT 'pg_class'::regclass AS classid, oid, called FROM relation
    UNION ALL SELECT 'pg_class'::regclass, oid, called FROM index
    UNION ALL SELECT 'pg_proc'::regclass, oid, called FROM routine
    UNION ALL SELECT 'pg_type'::regclass, oid, called FROM type
    UNION ALL SELECT 'pg_type'::regclass, reltype, called FROM relation WHERE relkind = 'c' AND :'sl_older' <> 't'
    UNION ALL SELECT 'pg_constraint'::regclass, oid, called FROM bound
    UNION ALL SELECT 'pg_trigger'::regclass, oid, called FROM trigger
    UNION ALL SELECT 'pg_rewrite'::regclass, oid, called FROM rule
    UNION ALL SELECT 'pg_policy'::regclass, oid, called FROM policy
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, called FROM statistics
), object(called, says) AS (
    SELECT r.called, concat_ws(E'\n', r.relkind, r.relpersistence, r.reloptions, toast.reloptions, r.relreplident, r.relrowsecurity,
        r.relforcerowsecurity, r.relispopulated, am.amname, space.spcname, nullif(r.reloftype, 0)::regtype, pg_get_partkeydef(r.oid),
        pg_get_expr(r.relpartbound, r.oid), CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END,
        (SELECT string_agg(inhparent::regclass::text, ',' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = r.oid))
    FROM relation r LEFT JOIN pg_class toast ON toast.oid = r.reltoastrelid LEFT JOIN pg_am am ON am.oid = r.relam
        LEFT JOIN pg_tablespace space ON space.oid = r.reltablespace
    UNION ALL
    SELECT r.called, string_agg(concat_ws('|', 'column', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        a.attgenerated, a.attstorage, nullif(:sl_compression::text, ''), nullif(a.attstattarget, -1), a.attoptions, a.attislocal,
        CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation END, '=' || pg_get_expr(d.adbin, d.adrelid)), E'\n' ORDER BY CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = r.oid) THEN 0 ELSE a.attnum END,
        a.attname COLLATE "C")
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE r.relkind <> 'S' GROUP BY r.called
    UNION ALL
    SELECT r.called, concat_ws('|', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle,
        (SELECT format('%s %s.%s', e.deptype, e.refobjid::regclass, a.attname) FROM pg_depend e JOIN pg_attribute a ON a.attrelid = e.refobjid
            AND a.attnum = e.refobjsubid WHERE e.classid = 'pg_class'::regclass AND e.objid = r.oid AND e.deptype IN ('a', 'i')))
    FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
    UNION ALL SELECT called, concat_ws('|', says, conislocal) FROM bound
    UNION ALL
    SELECT x.called, concat_ws('|', pg_get_indexdef(x.oid), x.indisclustered, x.indisreplident, x.reloptions, space.spcname,
        (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = x.oid),
        (SELECT string_agg(concat_ws(' ', attnum, attstattarget), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = x.oid AND attstattarget >= 0))
    FROM index x LEFT JOIN pg_tablespace space ON space.oid = x.reltablespace
    UNION ALL SELECT called, concat_ws('|', says, tgenabled) FROM trigger
    UNION ALL SELECT called, concat_ws('|', says, ev_enabled) FROM rule
    UNION ALL SELECT called, concat_ws('|', polcmd, polpermissive, (SELECT string_agg(coalesce(rolname, 'public'), ',' ORDER BY rolname)
        FROM unnest(polroles) AS u(oid) LEFT JOIN pg_roles USING (oid)), pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM policy
    UNION ALL SELECT called, says FROM statistics
    UNION ALL SELECT called, pg_get_functiondef(oid) FROM routine WHERE prokind <> 'a'
    UNION ALL
    SELECT t.called, concat_ws('|', t.typtype, nullif(t.typbasetype, 0)::regtype, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull,
        nullif(t.typcollation, 0)::regcollation, t.typdefault, (SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder)
        FROM pg_enum WHERE enumtypid = t.oid), (SELECT concat_ws(' ', rngsubtype::regtype, rngsubopc, nullif(rngcollation, 0)::regcollation,
        rngcanonical, rngsubdiff) FROM pg_range WHERE rngtypid = t.oid))
    FROM type t
    UNION ALL
    SELECT c.called, concat_ws('|', 'comment', d.objsubid, d.description) FROM commented c JOIN pg_description d
        ON d.classoid = c.classid AND d.objoid = c.oid
    UNION ALL
    SELECT c.called, concat_ws('|', 'label', l.objsubid, l.provider, l.label) FROM commented c JOIN pg_seclabel l
        ON l.classoid = c.classid AND l.objoid = c.oid
), told AS (
    -- `IN ('a', 'b')` over a varchar column is shown in one way where it was typed, and in another where that was read back.
    SELECT called, CASE WHEN says NOT LIKE '%ARRAY[%' THEN says ELSE regexp_replace(regexp_replace(says,
        '\(ARRAY\[((?:''(?:[^'']|'''')*''::character varying(?:, )?)+)\]\)::text\[\]', 'ARRAY[\1]', 'g'),
        '\((''(?:[^'']|'''')*''::character varying)\)::text', '\1', 'g') END AS says
    FROM object
), each AS (
    SELECT called, md5(string_agg(says, E'\n' ORDER BY says COLLATE "C")) AS print FROM told GROUP BY called
), odd AS (
    SELECT FROM routine WHERE prokind = 'a'
    UNION ALL SELECT FROM relation WHERE relkind NOT IN ('r', 'p', 'v', 'm', 'S', 'c')
    UNION ALL SELECT FROM type WHERE typtype NOT IN ('d', 'e', 'r')
    UNION ALL SELECT FROM (SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator
        UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace FROM pg_opclass
        UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace FROM pg_opfamily
        UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation
        UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace FROM pg_conversion
        UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace FROM pg_ts_config
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace FROM pg_ts_dict
        UNION ALL SELECT 'pg_ts_parser'::regclass, oid, prsnamespace FROM pg_ts_parser
        UNION ALL SELECT 'pg_ts_template'::regclass, oid, tmplnamespace FROM pg_ts_template) AS o(classid, oid, space)
    WHERE o.space = 'public'::regnamespace AND (o.classid, o.oid) NOT IN (SELECT classid, objid FROM part)
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM odd) THEN coalesce(md5(string_agg(called || E'\n' || print, E'\n' ORDER BY called COLLATE "C")), 'empty') ELSE '' END AS schema,
    coalesce(json_object_agg(called, print ORDER BY called COLLATE "C"), '{}') AS objects FROM each \gset sl_
\endif
