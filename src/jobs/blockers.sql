-- Who stands in the way: sessions that hold locks on relations of this database, and prepared transactions, which have none. Where
-- HELD_SECONDS is set, only those whose transaction is older than that, or whose age this login is not shown.
SET search_path = pg_catalog;
\set sl_held `printf %s "$HELD_SECONDS"`
SELECT format('pid %s, user %s, application %s, from %s, %s%s', a.pid, a.usename, a.application_name,
    coalesce(host(a.client_addr), 'unknown'), coalesce(a.state, 'state unknown'),
    ', for ' || extract(epoch FROM clock_timestamp() - a.xact_start)::bigint || ' s')
FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND a.pid IN (SELECT l.pid FROM pg_locks l
    JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.granted AND l.locktype = 'relation')
    AND coalesce(clock_timestamp() - a.xact_start >= make_interval(secs => nullif(:'sl_held', '')::double precision), true)
UNION ALL
SELECT format('prepared transaction %s of %s, since %s', gid, owner, prepared) FROM pg_prepared_xacts WHERE database = current_database();
