-- A backup of the sandbox goes back to the database that it was made of, or to one that was made anew and holds nothing: another one that
-- holds something may be anybody's. Asked once, before anything is touched. Follows checks.sql.
WITH source AS (
    SELECT :'sl_source'::json -> 'identity' AS its, :'sl_identity'::json AS here
), held(objects) AS (
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
)
SELECT 21 AS code, :'sl_kind' = 'own-backup' AND held.objects > 0 AND (its ->> 'database_oid' <> here ->> 'database_oid' OR
    CASE WHEN its ->> 'system_identifier' IS NOT NULL AND here ->> 'system_identifier' IS NOT NULL
         THEN its ->> 'system_identifier' <> here ->> 'system_identifier'
         ELSE its ->> 'started_at' IS DISTINCT FROM here ->> 'started_at'
             AND (its ->> 'address', its ->> 'port') IS DISTINCT FROM (here ->> 'address', here ->> 'port') END) AS refused,
    json_build_object('event', 'refused', 'code', 21, 'reason', format('the backup was made of another database: %s on %s port %s; and this one, '
        '%s on %s port %s, is not empty. Fix, if it is the sandbox, made anew: in it, DROP OWNED BY %I, and grant again what it may',
        its ->> 'database', its ->> 'address', its ->> 'port', here ->> 'database', here ->> 'address', here ->> 'port', :'sl_role'),
        'items', json_build_array())::text AS event
FROM source, held \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
