-- A temporary table for the rows that the set has of each table in `sl_moving`, without what is generated: the archive does not have that.
SELECT format('CREATE TEMPORARY TABLE sl_%s ON COMMIT DROP AS SELECT %s FROM ONLY public.%I WITH NO DATA', n, (
    SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''), name)
FROM json_to_recordset(:'sl_moving') AS m(n integer, oid oid, name text) \gexec
-- For rows.awk: which it is, its entry in the archive, how many more lines its names take, and the stretches that are wanted, if not all.
SELECT concat_ws(' ', n, source, (SELECT sum(length(called) - length(replace(called, E'\n', ''))) FROM (SELECT name::text UNION ALL
    SELECT attname FROM pg_attribute WHERE attrelid = oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS c(called)),
    CASE WHEN stretches IS NOT NULL THEN 'of ' || (SELECT coalesce(string_agg(value, ' '), '') FROM json_array_elements_text(stretches)) END)
FROM json_to_recordset(:'sl_moving') AS m(n integer, oid oid, source bigint, name text, stretches json) ORDER BY n \g moving
\o told
\qecho compared
\o
