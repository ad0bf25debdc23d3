-- What became of the transaction whose COMMIT got no answer? The waiting is done in the server. A session of its own, so the path comes
-- first: a function of the sandbox's own must not answer for the server's.
SET search_path = pg_catalog;
\set sl_xid `exec cat xid`
SELECT set_config('sandbox_lifecycle.xid', :'sl_xid', false) \g ignored
DO $wait$
BEGIN
    FOR attempt IN 1..300 LOOP
        EXIT WHEN txid_status(current_setting('sandbox_lifecycle.xid')::bigint) IS DISTINCT FROM 'in progress';
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$wait$;
SELECT txid_status(:sl_xid::bigint) \g fate
