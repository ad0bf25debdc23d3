-- The rows that moves.sql has found: those that the set does not have go, those that are missing come. So a changed row is removed and
-- added, and no unique key is in the way. Foreign keys wait until all is in place; the application's triggers must not rewrite what
-- comes. Runs as the sandbox's role.
SET CONSTRAINTS ALL DEFERRED;
SELECT set_config('sandbox_lifecycle.resting', :'sl_resting', false) \g ignored
DO $put_back$
DECLARE
    moving record;
    resting record;
    silenced record;
    place text;
    come bigint;
    gone bigint;
    added bigint := 0;
    changed bigint := 0;
    removed bigint := 0;
    many text[] := '{}';
    triggers text[] := '{}';
    firing text;
BEGIN
    firing := (SELECT string_agg(concat_ws(' ', oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger WHERE NOT tgisinternal);
    -- Only those that would fire at all; switched back below exactly as they were.
    FOR silenced IN
        SELECT format('ALTER TABLE ONLY public.%I', m.name) AS statement, t.tgname, t.tgenabled
        FROM json_to_recordset(current_setting('sandbox_lifecycle.moving')::json) AS m(oid oid, name text) JOIN pg_trigger t ON t.tgrelid = m.oid
        WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 12 <> 0
    LOOP
        EXECUTE format('%s DISABLE TRIGGER %I', silenced.statement, silenced.tgname);
        triggers := triggers || format('%s ENABLE %s TRIGGER %I', silenced.statement,
            CASE silenced.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END, silenced.tgname);
    END LOOP;
    FOR moving IN
        SELECT * FROM json_to_recordset(current_setting('sandbox_lifecycle.moves')::json)
            AS m(n integer, name text, place text, wanted text, columns text, same bigint)
    LOOP
        EXECUTE format('DELETE FROM ONLY %s AS t USING sl_moves_%s AS m WHERE t.ctid = m.sl_gone', moving.place, moving.n);
        GET DIAGNOSTICS gone = ROW_COUNT;
        EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s AS t JOIN sl_moves_%4$s AS m ON t.ctid = m.sl_come',
            moving.place, moving.columns, moving.wanted, moving.n);
        GET DIAGNOSTICS come = ROW_COUNT;
        added := added + come - moving.same;
        changed := changed + moving.same;
        removed := removed + gone - moving.same;
        IF come + gone > 1000 THEN
            many := many || moving.name;
        END IF;
    END LOOP;
    -- Every foreign key is checked here, before anybody is asked for the commit; a table with checks to come cannot be altered.
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH place IN ARRAY triggers LOOP
        EXECUTE place;
    END LOOP;
    IF firing IS DISTINCT FROM (SELECT string_agg(concat_ws(' ', oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger WHERE NOT tgisinternal) THEN
        RAISE internal_error USING MESSAGE = 'triggers are not as they were';
    END IF;
    -- RESTART is part of the transaction, setval on its own is not; on what RESTART has made in this transaction it is.
    FOR resting IN SELECT * FROM json_to_recordset(current_setting('sandbox_lifecycle.resting')::json)
        AS r(name text, last_value bigint, is_called boolean)
    LOOP
        EXECUTE format('ALTER SEQUENCE public.%I RESTART WITH %s', resting.name, resting.last_value);
        IF resting.is_called THEN
            PERFORM setval(format('public.%I', resting.name)::regclass, resting.last_value, true);
        END IF;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.many', array_to_json(many)::text, false);
    PERFORM set_config('sandbox_lifecycle.put_back', json_build_object('added', added, 'changed', changed, 'removed', removed)::text, false);
END
$put_back$;
SELECT '{"event":"put_back","tables":' || json_array_length(:'sl_moving') || ',"sequences":' || json_array_length(:'sl_resting') || ','
    || substr(current_setting('sandbox_lifecycle.put_back'), 2) \g |exec cat
SELECT current_setting('sandbox_lifecycle.many') AS many \gset sl_
