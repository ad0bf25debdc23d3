-- The restored tables and sequences against the dump's, still inside the transaction. `sandbox_lifecycle.sequences` was set from the
-- archive's own setval calls.
\set sl_tables `cat source.tables`
SELECT set_config('sandbox_lifecycle.tables', :'sl_tables', true) \g ignored
DO $verify$
DECLARE
    wanted record;
    found bigint;
    called boolean;
    rows bigint := 0;
    tables integer := 0;
    sequences integer := 0;
    problems text[] := '{}';
BEGIN
    FOR wanted IN
        SELECT name, w.rows AS rows, c.oid FROM json_to_recordset(current_setting('sandbox_lifecycle.tables')::json) AS w(name name, rows bigint)
        LEFT JOIN pg_class c ON c.relname = w.name AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    LOOP
        IF wanted.oid IS NULL THEN
            problems := problems || format('table %s is missing', wanted.name);
            CONTINUE;
        END IF;
        EXECUTE format('SELECT count(*) FROM ONLY public.%I', wanted.name) INTO found;
        tables := tables + 1;
        rows := rows + found;
        IF found <> wanted.rows THEN
            problems := problems || format('table %s has %s rows, production had %s', wanted.name, found, wanted.rows);
        END IF;
    END LOOP;
    FOR wanted IN SELECT s.oid, s.last_value, s.is_called
        FROM json_to_recordset(current_setting('sandbox_lifecycle.sequences')::json) AS s(oid oid, last_value bigint, is_called boolean)
    LOOP
        EXECUTE format('SELECT last_value, is_called FROM %s', wanted.oid::regclass) INTO found, called;
        sequences := sequences + 1;
        IF (found, called) IS DISTINCT FROM (wanted.last_value, wanted.is_called) THEN
            problems := problems || format('sequence %s is at %s, production''s was at %s', wanted.oid::regclass, found, wanted.last_value);
        END IF;
    END LOOP;
    SELECT problems || array_agg(format('%s %s is not production''s', CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.relname)) INTO problems
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend e
            WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
        AND (c.relkind IN ('r', 'p') AND c.relname NOT IN (SELECT name FROM json_to_recordset(current_setting('sandbox_lifecycle.tables')::json) AS w(name name))
        OR c.relkind = 'S' AND c.oid NOT IN (SELECT oid FROM json_to_recordset(current_setting('sandbox_lifecycle.sequences')::json) AS s(oid oid)));
    PERFORM set_config('sandbox_lifecycle.problems', array_to_json(problems)::text, true);
    PERFORM set_config('sandbox_lifecycle.verified', json_build_object('tables', tables, 'rows', rows, 'sequences', sequences)::text, true);
END
$verify$;
SELECT json_array_length(p) > 0 OR txid_current() <> :sl_xid AS refused, json_build_object('event', 'refused', 'code', 31, 'reason',
    CASE WHEN txid_current() <> :sl_xid THEN 'the dump ended the transaction that it was restored in: the sandbox must be refreshed again'
        ELSE 'what was restored is not what was dumped; it was rolled back' END, 'items', p)::text AS event
FROM (SELECT current_setting('sandbox_lifecycle.problems')::json AS p) AS read \gset sl_
\if :sl_refused
    SELECT 31, :'sl_event' \g outcome
    \quit
\endif
SELECT '{"event":"verified",' || substr(current_setting('sandbox_lifecycle.verified'), 2) \g |cat
\! echo '{"event":"waiting","for":"commit"}'
