-- What stands in a database and on its server, for `doctor`, which judges it. Follows identity.sql; sl_client_major is the client's version.
-- Of how many sessions there is room for, each bound is told: the server's, the database's, the login's. This session counts as one.
SET search_path = pg_catalog;
WITH session AS MATERIALIZED (
    -- What kind another user's is, is not shown to everybody.
    SELECT pid, datname, usesysid, coalesce(usename, usesysid::text) AS usename, application_name
    FROM pg_stat_activity WHERE datname IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
), login AS (
    SELECT * FROM pg_roles WHERE rolname = session_user
), setting AS (
    SELECT sum(setting::integer) FILTER (WHERE name = 'max_connections') AS connections,
        sum(setting::integer) FILTER (WHERE name <> 'max_connections') AS reserved
    FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
), bound(what, most, used) AS (
    SELECT 'server', connections - reserved, (SELECT count(*) FROM session) FROM setting
    UNION ALL SELECT 'database', datconnlimit, (SELECT count(*) FROM session WHERE datname = current_database())
        FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
    UNION ALL SELECT 'login', rolconnlimit, (SELECT count(*) FROM session WHERE usename = session_user) FROM login WHERE rolconnlimit >= 0
)
SELECT json_build_object('event', 'examined', 'identity', :'sl_identity'::json, 'client_major', :'sl_client_major'::integer,
    'powers', (SELECT array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
        CASE WHEN rolreplication THEN 'REPLICATION' END], NULL) FROM login),
    'memberships', (SELECT coalesce(json_agg(r.rolname ORDER BY r.rolname), '[]') FROM pg_roles r, login
        WHERE r.oid <> login.oid AND NOT login.rolsuper AND pg_has_role(login.oid, r.oid, 'MEMBER')),
    'owner', (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()),
    'bytes', pg_database_size(current_database()),
    'sessions', (SELECT coalesce(json_agg(json_build_object('application', application_name, 'login', usename, 'count', count,
            'may_be_ended', coalesce(pg_has_role(session_user, usesysid, 'USAGE'), false)) ORDER BY count DESC, application_name), '[]')
        FROM (SELECT application_name, usename, usesysid, count(*) FROM session WHERE datname = current_database() AND pid <> pg_backend_pid()
            GROUP BY application_name, usename, usesysid) AS of_one),
    'room', (SELECT json_agg(json_build_object('of', what, 'most', most, 'left', greatest(most - used, 0))) FROM bound)) \g |exec cat
