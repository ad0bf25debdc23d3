-- What moves.sql has found, told: seen from the set, so that what would have to go was added, and what would have to come was removed.
SELECT set_config('sandbox_lifecycle.others', :'sl_others', false) \g ignored
DO $differences$
DECLARE
    moving record;
    gone bigint;
    come bigint;
    told text[] := '{}';
BEGIN
    FOR moving IN SELECT * FROM json_to_recordset(current_setting('sandbox_lifecycle.moves')::json) AS m(n integer, name text, same bigint) LOOP
        EXECUTE format('SELECT count(sl_gone), count(sl_come) FROM sl_moves_%s', moving.n) INTO gone, come;
        told := told || json_build_object('name', moving.name, 'added', gone - moving.same, 'changed', moving.same,
            'removed', come - moving.same)::text;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.told', (SELECT coalesce(json_agg(each ORDER BY each ->> 'name' COLLATE "C"), '[]') FROM (
        SELECT unnest(told)::json AS each UNION ALL SELECT json_array_elements(current_setting('sandbox_lifecycle.others')::json)) AS e)::text, false);
END
$differences$;
SELECT '{"event":"table_changed",' || substr(each::text, 2) FROM json_array_elements(current_setting('sandbox_lifecycle.told')::json) AS each \g |exec cat
-- The rows, a statement for each table; where there is no key, none is the other's old one. A line for each, with the objects as texts.
SELECT format('SELECT json_build_object(''event'', ''row'', ''table'', %1$L, ''change'', CASE WHEN o.line IS NULL THEN ''added'' WHEN n.line IS NULL '
    'THEN ''removed'' ELSE ''changed'' END, ''key'', coalesce(n.key, o.key)::text, ''old'', o.line::text, ''new'', n.line::text) FROM ('
    'SELECT %2$s AS at, %3$s AS key, (SELECT row_to_json(r) FROM (SELECT %4$s) AS r) AS line FROM %5$s AS t JOIN sl_moves_%6$s ON t.ctid = sl_come) AS o '
    'FULL JOIN (SELECT %7$s AS at, %3$s AS key, (SELECT row_to_json(r) FROM (SELECT %4$s) AS r) AS line FROM ONLY %8$s AS t JOIN sl_moves_%6$s '
    'ON t.ctid = sl_gone) AS n USING (at) ORDER BY at',
    name, CASE WHEN key IS NULL THEN '''old '' || row_number() OVER ()' ELSE format('ROW(%s)::text', key) END,
    CASE WHEN key IS NULL THEN 'NULL::json' ELSE format('(SELECT row_to_json(k) FROM (SELECT %s) AS k)', key) END, columns, wanted, n,
    CASE WHEN key IS NULL THEN '''new '' || row_number() OVER ()' ELSE format('ROW(%s)::text', key) END, place)
FROM json_to_recordset(current_setting('sandbox_lifecycle.moves')::json)
    AS m(n integer, name text, place text, wanted text, columns text, key text) WHERE :'sl_rows' <> '' ORDER BY n \gexec
SELECT each FROM json_array_elements(:'sl_moved') AS each \g |exec cat
SELECT json_build_object('event', 'diffed', 'tables', count(*), 'rows', coalesce(sum(added + changed + removed), 0),
    'sequences', json_array_length(:'sl_moved')) FROM json_to_recordset(current_setting('sandbox_lifecycle.told')::json)
    AS t(added bigint, changed bigint, removed bigint) \g |exec cat
ROLLBACK;
\o told
\qecho told
\o
