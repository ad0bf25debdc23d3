-- What differs between the sandbox and the set, and which way it is put right. From here on writers wait; readers go on. What is left as
-- it is was compared under these locks. Follows begin.sql, checks.sql and pinned.sql; schema.sql and prints.sql come between the two parts.
SET LOCAL ROLE :"sl_role";
DO $lock$
DECLARE
    tables text := (SELECT string_agg(format('ONLY public.%I', relname), ', ' ORDER BY oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user));
BEGIN
    IF tables IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', tables);
    END IF;
END
$lock$;
-- Without the objects of the schema, one by one: they are for a diff, and most of it.
\set sl_set `cat "$SET_DIR/source.manifest"`
SELECT :'sl_set'::jsonb - 'objects' AS set \gset sl_
\set sl_only ''
