-- Others in this database: they get a while to go by themselves, then those we may are ended, and whoever is left is a refusal.
-- The waiting is done in the server; its statistics are a snapshot that must be let go of each time.
SELECT set_config('sandbox_lifecycle.grace', :'sl_grace', false) \g ignored
DO $sessions$
DECLARE
    deadline timestamptz := clock_timestamp() + make_interval(secs => current_setting('sandbox_lifecycle.grace')::double precision);
    ended integer := 0;
    others refcursor;
    pids integer[];
BEGIN
    FOR attempt IN 1..2 LOOP
        LOOP
            PERFORM pg_stat_clear_snapshot();
            -- What kind of backend another user's is, is not shown to everybody; a worker of the server's own has no user.
            pids := ARRAY(SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend');
            EXIT WHEN pids = '{}' OR clock_timestamp() >= deadline;
            PERFORM pg_sleep(0.1);
        END LOOP;
        EXIT WHEN pids = '{}' OR attempt = 2;
        ended := (SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE pid = ANY (pids) AND pg_has_role(session_user, usesysid, 'USAGE'));
        deadline := clock_timestamp() + interval '5 s';
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.ended', ended::text, false);
    PERFORM set_config('sandbox_lifecycle.left', pids::text, false);
END
$sessions$;
SELECT json_build_object('event', 'terminated', 'sessions', current_setting('sandbox_lifecycle.ended')::integer)
WHERE current_setting('sandbox_lifecycle.ended') <> '0' \g |exec cat
SELECT 27, json_build_object('event', 'refused', 'code', 27, 'reason', format('other sessions are connected to %s and %s may not end them. Fix: '
    'disconnect them, then run again', current_database(), session_user), 'items', json_agg(format(
    'pid %s, user %s, application %s, from %s', pid, usename, application_name, coalesce(host(client_addr), 'unknown')) ORDER BY pid))
FROM pg_stat_activity WHERE pid = ANY (current_setting('sandbox_lifecycle.left')::integer[]) HAVING count(*) > 0 \g outcome
