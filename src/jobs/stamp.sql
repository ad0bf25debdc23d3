-- Reading the schema takes most of a reset that has little to do, and it is hardly ever another than last time. So what a checkpoint was
-- made of, or was found equal to it, is stamped, beside the checkpoint: with the versions of all rows of the catalogs that schema.sql reads.
-- As long as the stamp is the same the schema is, too, and is not read. A row that was written again has another xmin, and none comes twice
-- within 2^31 transactions of a server that has not been started anew since; one that was, even from an older copy of its disk, makes
-- another stamp.
-- What changes with the rows goes by what it says: sequences that were restarted, relations that were truncated or filled anew, triggers that
-- rested meanwhile. What is temporary is nobody else's. A policy names roles, whose versions only a superuser sees: then there is no stamp.
-- Comes before schema.sql, so that what somebody changes in between is not stamped as what was read. The answer is sl_versions, for stamped.sql.
\set sl_versions ''
\if :sl_fingerprints
WITH relation AS MATERIALIZED (
    SELECT oid, relkind FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace
), space AS MATERIALIZED (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
), version(catalog, object, part, version) AS (
    SELECT c.tableoid, c.oid, 0, hashtextextended(ROW(c.relname, c.relnamespace, c.relkind, c.relpersistence, c.reloptions, toast.reloptions, c.relreplident,
        c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relam, c.reltablespace, c.reloftype, c.relispartition, c.relpartbound)::text, 0)
    FROM relation JOIN pg_class c USING (oid) LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
    UNION ALL SELECT tableoid, seqrelid, 0, hashtextextended(pg_sequence::text, 0) FROM pg_sequence WHERE seqrelid IN (SELECT oid FROM relation)
    UNION ALL SELECT tableoid, oid, 0, hashtextextended(pg_trigger::text, 0) FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relation)
    -- Up to PostgreSQL 13 what CREATE INDEX CONCURRENTLY says of its state is written into the row as it is.
    UNION ALL SELECT tableoid, indexrelid, 0, hashtextextended(concat_ws(' ', xmin, indisvalid, indisready, indislive), 0) FROM pg_index
        WHERE indrelid IN (SELECT oid FROM relation)
    UNION ALL
    SELECT catalog, object, part, xmin::text::bigint FROM (
        SELECT tableoid, attrelid, attnum, xmin FROM pg_attribute
            WHERE attnum > 0 AND attrelid IN (SELECT oid FROM relation WHERE relkind <> 'S')
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM relation)
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_constraint WHERE oid >= 16384 AND (conrelid = 0 OR conrelid IN (SELECT oid FROM relation))
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM relation)
        UNION ALL SELECT tableoid, inhrelid, inhseqno, xmin FROM pg_inherits
        UNION ALL SELECT tableoid, partrelid, 0, xmin FROM pg_partitioned_table
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_statistic_ext
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_type WHERE oid >= 16384 AND typnamespace IN (SELECT oid FROM space)
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_enum
        UNION ALL SELECT tableoid, rngtypid, 0, xmin FROM pg_range WHERE rngtypid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_operator WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_opclass WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_opfamily WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_collation WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_conversion WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_ts_config WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_ts_dict WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_ts_parser WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_ts_template WHERE oid >= 16384
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_language
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_am
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_tablespace
        UNION ALL SELECT tableoid, oid, 0, xmin FROM pg_namespace WHERE oid IN (SELECT oid FROM space)
        UNION ALL SELECT tableoid, objoid, objsubid, xmin FROM pg_description WHERE objoid >= 16384
        UNION ALL SELECT tableoid, objoid, objsubid, xmin FROM pg_seclabel
        UNION ALL SELECT tableoid, objid, objsubid, xmin FROM pg_depend
            WHERE deptype = 'e' OR deptype IN ('a', 'i') AND classid = 'pg_class'::regclass AND objid IN (SELECT oid FROM relation WHERE relkind = 'S')
    ) AS row(catalog, object, part, xmin)
)
SELECT CASE WHEN EXISTS (SELECT FROM pg_policy) THEN '' ELSE md5(concat_ws(E'\n', :'sl_skip', i ->> 'system_identifier', i ->> 'started_at',
    i ->> 'database_oid', txid_snapshot_xmax(txid_current_snapshot()) >> 31,
    (SELECT concat_ws(' ', count(*), sum(hashint8extended(object::bigint << 32 # version, catalog::bigint << 32 | part))) FROM version))) END AS versions
FROM (SELECT :'sl_identity'::json AS i) AS read \gset sl_
\endif
