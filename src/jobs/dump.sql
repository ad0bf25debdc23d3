-- What has to hold before a database is dumped, and of the session. Follows identity.sql; sl_client_major is pg_dump's version.
-- A refusal goes to the file `outcome` as CODE|EVENT.
\set sl_only ''
\set sl_stretches t
\set sl_unread t
SELECT 1 \g reached
-- A client that has vanished with its node must not keep tables locked: by its own defaults the server would wait for a quarter of an
-- hour, or for two. Five minutes without an answer, since a client whose disk is slow takes nothing for a while either. In `options` is what
-- pg_dump's session is to have as well, of what this server knows. It waits until there is room, and in its transaction
-- until pg_dump is done, however long that takes.
SELECT string_agg(format('-c %s=%s', name, set_config(name, value, false)), ' ') FROM (VALUES ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '300000'),
    ('client_connection_check_interval', '10000'), ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0')) AS wanted(name, value)
    JOIN pg_settings USING (name) \g options
SELECT '{"event":"source",' || substr(:'sl_identity', 2) \g |exec cat

-- The server itself says whether it would let this session write: a pooler may have stripped PGOPTIONS.
WITH finding(code, reason) AS (
    SELECT 11, format('%s accepts writes from %s: the server did not get default_transaction_read_only=on (a pooler in '
        'between strips options). Fix: ALTER ROLE %2$I IN DATABASE %I SET default_transaction_read_only = on, or connect '
        'past the pooler', :'sl_reads', session_user, current_database())
    WHERE current_setting('transaction_read_only') <> 'on'
    UNION ALL
    SELECT 12, format('pg_dump is of version %s, older than the server''s %s. Fix: --pg-image docker.io/library/postgres:%2$s',
        :'sl_client_major', current_setting('server_version_num')::integer / 10000)
    WHERE current_setting('server_version_num')::integer / 10000 > :sl_client_major
)
SELECT count(*) > 0 AS refused, min(code) AS code, (array_agg(json_build_object('event', 'refused', 'code', code, 'reason', reason,
    'items', json_build_array())::text ORDER BY code))[1] AS event FROM finding \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
