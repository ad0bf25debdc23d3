-- Who stands in the way: sessions that hold locks on relations of this database, and prepared transactions, which have none.
SET search_path = pg_catalog;
SELECT format('pid %s, user %s, application %s, from %s, %s', a.pid, a.usename, a.application_name,
    coalesce(host(a.client_addr), 'unknown'), coalesce(a.state, 'state unknown'))
FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND a.pid IN (SELECT l.pid FROM pg_locks l
    JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.granted AND l.locktype = 'relation')
UNION ALL
SELECT format('prepared transaction %s of %s, since %s', gid, owner, prepared) FROM pg_prepared_xacts WHERE database = current_database();
