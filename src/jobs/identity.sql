-- Which server and which database this is, as psql variable `sl_identity`: what tells production from the sandbox.
\set sl_stretches ''
SET search_path = pg_catalog;
SET client_min_messages = warning;
SET statement_timeout = 0;
-- To compile a query that reads a table once takes longer than it saves, and catalogs that have grown by many wipes make it seem worth it
-- (75 ms of 100, measured).
SELECT set_config('jit', 'off', false) FROM pg_settings WHERE name = 'jit' \g ignored
SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS allowed \gset sl_
\set sl_system_identifier ''
\if :sl_allowed
SELECT system_identifier FROM pg_catalog.pg_control_system() \gset sl_
\endif
SELECT json_build_object(
    'server_version_num', current_setting('server_version_num')::integer,
    'server', split_part(current_setting('server_version'), ' ', 1),
    'system_identifier', nullif(:'sl_system_identifier', ''),
    'started_at', extract(epoch FROM pg_postmaster_start_time())::text,
    'address', host(inet_server_addr()),
    'port', inet_server_port(),
    'database', current_database(),
    'database_oid', (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
    'role', session_user,
    'writable', current_setting('transaction_read_only') <> 'on',
    'read_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
) AS identity \gset sl_
-- What a refresh or backup has read of production, where that is on this very server; else empty.
SELECT coalesce((SELECT its::text FROM (SELECT nullif(:'sl_production', '')::json AS its, :'sl_identity'::json AS here) AS read
    WHERE CASE WHEN its ->> 'system_identifier' IS NOT NULL AND here ->> 'system_identifier' IS NOT NULL
        THEN its ->> 'system_identifier' = here ->> 'system_identifier'
        ELSE (its ->> 'address', its ->> 'port') = (here ->> 'address', here ->> 'port') END), '') AS neighbour \gset sl_
