-- What grants.sql has read is granted again. Told is what was restored without the object, or the column, that it was for, and what only
-- another role may do.
SELECT set_config('sandbox_lifecycle.grants', :'sl_grants', false) \g ignored
DO $regrant$
DECLARE
    item record;
    found oid;
    again bigint := 0;
    lost text[] := '{}';
BEGIN
    FOR item IN
        SELECT * FROM json_to_recordset(current_setting('sandbox_lifecycle.grants')::json) AS g(turn integer, kind text, place text, statement text)
    LOOP
        BEGIN
            IF item.turn = 4 THEN
                RAISE insufficient_privilege;
            END IF;
            -- To look for a routine whose type is gone raises the same.
            found := CASE WHEN item.kind IN ('TABLE', 'SEQUENCE') THEN to_regclass(item.place)::oid
                WHEN item.kind = 'TYPE' THEN to_regtype(item.place)::oid ELSE to_regprocedure(item.place)::oid END;
            IF found IS NULL AND item.kind IS NOT NULL THEN
                RAISE undefined_object;
            END IF;
            EXECUTE item.statement;
            again := again + (item.turn = 2)::integer;
        EXCEPTION WHEN undefined_object OR undefined_column OR insufficient_privilege THEN
            IF item.turn > 1 THEN
                lost := lost || item.statement;
            END IF;
        END;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.granted', json_build_object('event', 'granted', 'grants', again, 'lost', lost)::text, false);
END
$regrant$;
SELECT current_setting('sandbox_lifecycle.granted') WHERE :'sl_grants' <> '[]' \g |exec cat
