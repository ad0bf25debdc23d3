-- For each table in `sl_moving`, which rows here the set does not have, and which of the set's are not here: the temporary table sl_moves_N
-- has their places in the table (sl_gone) and in sl_N (sl_come). Rows are told apart by the hash that the fingerprints sum up. Of a table
-- that narrow.sql has narrowed sl_N has the rows of some stretches, and only theirs are looked at.
-- What the planner does not know of tables that were just filled: a hash join takes a third of the time of sorting both sides.
SET LOCAL work_mem = '64MB';
SET LOCAL enable_mergejoin = off;
SELECT set_config('sandbox_lifecycle.moving', :'sl_moving', false) \g ignored
DO $moves$
DECLARE
    moving record;
    same bigint;
    moves text[] := '{}';
BEGIN
    FOR moving IN
        SELECT m.n, m.oid, m.name, format('public.%I', m.name) AS place, format('pg_temp.sl_%s', m.n) AS wanted, (
            SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = m.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns, (
            SELECT quote_ident(attname) FROM pg_attribute
            WHERE attrelid = m.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum LIMIT 1) AS first, (
            SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = m.oid AND attnum = ANY (i.indkey)) AS key, (
            SELECT format('WHERE %s >> 7 IN (SELECT json_array_elements_text(%L)::bigint)', m.key, stretches) WHERE stretches IS NOT NULL) AS part
        FROM json_to_recordset(current_setting('sandbox_lifecycle.moving')::json) AS m(n integer, oid oid, name text, key text, stretches json)
        -- One that is generated is not in the archive.
        LEFT JOIN pg_index i ON i.indrelid = m.oid AND i.indisprimary AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = m.oid AND attnum = ANY (i.indkey) AND attgenerated <> '')
    LOOP
        -- From the declared widths of its columns the planner would take it for a table of one row.
        EXECUTE format('ANALYZE sl_%s %s', moving.n, '(' || moving.first || ')');
        -- The same row may be there several times, where there is no key: the first stands for the first.
        -- OFFSET 0: each hash is made once, and not again for each comparison.
        EXECUTE format('CREATE TEMPORARY TABLE sl_moves_%1$s ON COMMIT DROP AS SELECT h.place AS sl_gone, w.place AS sl_come FROM (SELECT place, print, '
            '%5$s AS turn FROM (SELECT ctid AS place, hashtextextended(ROW(%2$s)::text, 0) AS print FROM ONLY %3$s %6$s OFFSET 0) AS r) AS h FULL JOIN '
            '(SELECT place, print, %5$s AS turn FROM (SELECT ctid AS place, hashtextextended(ROW(%2$s)::text, 0) AS print FROM %4$s OFFSET 0) AS r) '
            'AS w USING (print, turn) WHERE h.place IS NULL OR w.place IS NULL', moving.n, moving.columns, moving.place, moving.wanted,
            CASE WHEN moving.key IS NULL THEN 'row_number() OVER (PARTITION BY print)' ELSE '1' END, moving.part);
        EXECUTE format('ANALYZE sl_moves_%s', moving.n);
        same := 0;
        -- A row that goes and one that comes with the same key are one that was changed.
        IF moving.key IS NOT NULL THEN
            EXECUTE format('SELECT count(*) FROM (SELECT ROW(%2$s)::text AS key FROM ONLY %3$s AS t JOIN sl_moves_%1$s ON t.ctid = sl_gone) AS h JOIN '
                '(SELECT ROW(%2$s)::text AS key FROM %4$s AS t JOIN sl_moves_%1$s ON t.ctid = sl_come) AS w USING (key)',
                moving.n, moving.key, moving.place, moving.wanted) INTO same;
        END IF;
        moves := moves || json_build_object('n', moving.n, 'name', moving.name, 'place', moving.place, 'wanted', moving.wanted,
            'columns', moving.columns, 'key', moving.key, 'same', same)::text;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.moves', '[' || array_to_string(moves, ',') || ']', false);
END
$moves$;
