-- What the set's dump has another of than the database: as a text for psql, source.changed. It begins with a line `-- OID` a table, or
-- `-- OID of STRETCH ...` where only some stretches of 128 keys are others, and a line `--`. A COPY of each follows, and a last line. Tells t, or
-- f where that is not worth it and all has to be dumped. Of what is longer than changed.limit only as much is kept; changed.bytes is how much
-- there should be then. Follows count.sql.
WITH base AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_base'::json -> 'tables') AS b(name text, rows bigint, fingerprint text, stretches json)
), here AS MATERIALIZED (
    SELECT * FROM json_to_recordset(:'sl_tables'::json) AS h(oid bigint, name text, rows bigint, fingerprint text, stretches json)
), differing AS MATERIALIZED (
    SELECT h.oid, name, h.rows, narrowed.stretches, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = h.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
    FROM base b JOIN here h USING (name) CROSS JOIN LATERAL (
        -- Numbers beyond 2^46 are of keys that awk cannot tell apart.
        SELECT CASE WHEN 2 * count(*) FILTER (WHERE differs) <= count(*) AND max(abs(stretch)) < 70368744177664
            THEN json_agg(stretch) FILTER (WHERE differs) END
        FROM (SELECT key::bigint AS stretch, w.value IS DISTINCT FROM n.value AS differs
            FROM json_each_text(b.stretches) AS w FULL JOIN json_each_text(h.stretches) AS n USING (key)) AS each) AS narrowed(stretches)
    WHERE (b.rows, b.fingerprint) IS DISTINCT FROM (h.rows, h.fingerprint)
)
SELECT coalesce(json_agg(differing), '[]') AS changed, coalesce(sum(coalesce(128 * json_array_length(stretches), rows)), 0) <= greatest(50000, (
        SELECT sum(rows) / 5 FROM here))
    -- Where there is a line break in a name the COPY has more lines than one.
    AND coalesce(bool_and(columns IS NOT NULL AND name || columns !~ E'\n'), true) AS based
FROM differing \gset sl_
\if :sl_based
    \o |{ head -c "$(cat changed.limit)" | tee "$SET_DIR/source.changed" | wc -c >changed.bytes; cat >/dev/null; }
    SELECT concat_ws(' ', '--', oid, 'of ' || (SELECT string_agg(value, ' ') FROM json_array_elements_text(stretches)))
    FROM json_to_recordset(:'sl_changed') AS c(oid bigint, stretches json);
    SELECT '--';
    -- The key is what prints.sql makes stretches of.
    SELECT format('SELECT %L', format('COPY %s (%s) FROM stdin;', place, columns)), format('COPY (SELECT %s FROM ONLY %s%s) TO STDOUT', columns, place,
        (SELECT format(' WHERE %s >> 7 IN (%s)', (SELECT quote_ident(attname) FROM pg_index i JOIN pg_attribute a
            ON attrelid = c.oid AND i.indkey::text = attnum::text WHERE i.indrelid = c.oid AND i.indisprimary),
            (SELECT string_agg(value, ',') FROM json_array_elements_text(stretches))) WHERE stretches IS NOT NULL)), $$SELECT E'\\.'$$
    FROM json_to_recordset(:'sl_changed') AS c(oid oid, name text, columns text, stretches json), format('public.%I', name) AS place \gexec
    SELECT '-- end';
    \o
\endif
SELECT :'sl_based' \g told
