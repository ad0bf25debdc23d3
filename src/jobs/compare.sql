-- What differs between the sandbox and the set, and which way it is put right. From here on writers wait; readers go on. What is left as
-- it is was compared under these locks. Follows begin.sql, checks.sql and pinned.sql; what reads it comes between the two parts.
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
-- Without the objects of the schema, one by one: they are for a diff, and most of it. Where only one side has a table or a sequence, the
-- schema differs, and no definition has to be read to know it.
\set sl_set `exec cat "$SET_DIR/source.manifest"`
WITH set AS (
    SELECT :'sl_set'::jsonb AS s
), wanted AS (
    SELECT called FROM set, jsonb_object_keys(s -> 'objects') AS called WHERE called LIKE 'table %' OR called LIKE 'sequence %'
), here AS (
    SELECT CASE relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || quote_ident(relname) AS called FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S') AND oid NOT IN (
        SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
)
SELECT s - 'objects' AS set, s ? 'objects' AND EXISTS (SELECT FROM wanted FULL JOIN here USING (called)
        WHERE wanted.called IS NULL OR here.called IS NULL) AS apart FROM set \gset sl_
\if :sl_apart
    \set sl_fingerprints f
\endif
-- Read from here, rows are as they are under the locks. The script tells the second session of it.
SELECT pg_export_snapshot() AS snapshot \gset sl_
