-- Where each sequence stands, read one by one: the view pg_sequences shows NULL for one that was restarted. The answer is the variable sl_sequences.
DO $positions$
DECLARE
    sequence name;
    last_value bigint;
    called boolean;
    positions text[] := '{}';
BEGIN
    FOR sequence IN
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND NOT EXISTS (
            SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
        ORDER BY c.relname COLLATE "C"
    LOOP
        EXECUTE format('SELECT last_value, is_called FROM public.%I', sequence) INTO last_value, called;
        positions := positions || json_build_object('name', sequence, 'last_value', last_value, 'is_called', called)::text;
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.sequences', '[' || array_to_string(positions, ',') || ']', false);
END
$positions$;
SELECT current_setting('sandbox_lifecycle.sequences') AS sequences \gset sl_
