-- The wipe itself. CASCADE may reach what others own, also what was made since taken.sql looked: what was there before must be there after.
SELECT coalesce(array_agg(oid), '{}') AS others FROM pg_class WHERE relowner <> (
    SELECT oid FROM pg_roles WHERE rolname = :'sl_role') AND oid >= 16384 AND relnamespace::regnamespace::text !~ '^pg_(toast|temp)' \gset sl_
SELECT coalesce(array_agg(oid), '{}') AS routines FROM pg_proc WHERE proowner <> (
    SELECT oid FROM pg_roles WHERE rolname = :'sl_role') AND oid >= 16384 \gset sl_
DROP OWNED BY :"sl_role" CASCADE;
SELECT 23 AS code, count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', 23, 'reason', format(
    'the wipe would take objects of other owners with it (%s), since they depend on those of %s', count(*), :'sl_role'), 'items', json_build_array())::text AS event
FROM (SELECT oid FROM unnest(:'sl_others'::oid[]) AS oid EXCEPT SELECT oid FROM pg_class
    UNION ALL (SELECT oid FROM unnest(:'sl_routines'::oid[]) AS oid EXCEPT SELECT oid FROM pg_proc)) AS lost \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
