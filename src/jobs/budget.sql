-- Would the one transaction find room for its locks? One for each object dropped and each made. The server's table holds about half
-- again its nominal size (measured from 420 to 31,000 entries: 1.35 to 1.75), so only what surely fails is refused.
WITH need(locks) AS (
    SELECT (SELECT count(*) FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid AND b.datname = current_database()
            WHERE d.refobjid = (SELECT oid FROM pg_roles WHERE rolname = :'sl_role') AND d.deptype = 'o')
        + (SELECT count(*) FROM pg_class WHERE relkind IN ('i', 't') AND relowner = (
            SELECT oid FROM pg_roles WHERE rolname = :'sl_role'))
        + (:'sl_source'::json ->> 'relations')::bigint
), room(locks) AS (
    SELECT max(setting::bigint) FILTER (WHERE name = 'max_locks_per_transaction')
        * sum(setting::bigint) FILTER (WHERE name <> 'max_locks_per_transaction')
    FROM pg_settings WHERE name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions',
        'autovacuum_max_workers', 'max_worker_processes', 'max_wal_senders')
)
SELECT 25 AS code, coalesce(need.locks > room.locks * 3 / 2, true) AS refused, json_build_object('event', 'refused', 'code', 25, 'reason',
    format('one transaction over the whole schema needs about %s locks, the server has room for %s. Fix: raise max_locks_per_transaction to %s '
    'and restart it', need.locks, room.locks, ceil(need.locks::numeric * 2 / room.locks * current_setting('max_locks_per_transaction')::integer)),
    'items', json_build_array())::text AS event
FROM need, room \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
