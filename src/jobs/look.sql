-- One snapshot of the sandbox, to be compared with a set. Nothing that is written here outlives the transaction, which is rolled back;
-- temporary tables need one that may write. Follows identity.sql and pinned.sql.
SELECT 1 \g reached
\set sl_set `exec cat "$SET_DIR/source.manifest"`
\set sl_only ''
SELECT set_config(name, value, false) FROM (VALUES ('client_connection_check_interval', '1s'), ('transaction_timeout', '0'),
    ('idle_in_transaction_session_timeout', '300s'), ('lock_timeout', :'sl_lock_timeout')) AS wanted(name, value)
    JOIN pg_settings USING (name) \g ignored
WITH finding(reason) AS (
    SELECT format('%s is not a member of %s. Fix: GRANT %2$I TO %1$I', session_user, :'sl_role')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'sl_role' AND pg_has_role(session_user, oid, 'MEMBER'))
    UNION ALL
    SELECT format('%s may not create temporary tables. Fix: GRANT TEMPORARY ON DATABASE %I TO %1$I', rolname, current_database())
    FROM pg_roles WHERE rolname = :'sl_role' AND NOT has_database_privilege(oid, current_database(), 'TEMPORARY')
)
SELECT count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', 41, 'reason', min(reason), 'items', json_build_array())::text AS event
FROM finding \gset sl_
\if :sl_refused
    SELECT 41, :'sl_event' \g outcome
    \quit
\endif
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ WRITE;
SET LOCAL ROLE :"sl_role";
