-- Could this login write anything, whatever its session is set to? Follows identity.sql. By the catalogs: what it is, owns and was granted,
-- by itself, by every role that it is or can become, or as everybody. Told as an event; where read-only credentials are required, it is
-- refused. What functions with SECURITY DEFINER do is not known to a catalog.
SELECT CASE WHEN ways = '{}' THEN '' ELSE 'on' END AS writable, ways, json_build_object('event', 'writable', 'ways', to_json(ways)) AS event,
    json_build_object('event', 'refused', 'code', 17, 'reason', format('%s could write to production, and --require-read-only-role is given. Fix: '
    'a login that is granted pg_read_all_data and CONNECT only, as `sandbox-lifecycle manifests vault` makes it', session_user), 'items',
    to_json(ways)) AS refusal
FROM (
    WITH belongs AS MATERIALIZED (
        SELECT oid, rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')
    ), grantee AS MATERIALIZED (
        SELECT oid FROM belongs UNION ALL SELECT 0
    ), object AS MATERIALIZED (
        SELECT c.oid, c.relkind, c.relowner AS owner, format('%I.%I', n.nspname, c.relname) AS name, c.relacl AS acl
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'S', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    ), space AS MATERIALIZED (
        SELECT nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM pg_namespace
        WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
    ), way(rank, says) AS (
        SELECT 1, format('%s is a superuser', rolname) FROM belongs WHERE rolsuper
        UNION ALL SELECT 2, format('%s may make databases', rolname) FROM belongs WHERE rolcreatedb AND NOT rolsuper
        UNION ALL SELECT 2, format('%s may make roles', rolname) FROM belongs WHERE rolcreaterole AND NOT rolsuper
        UNION ALL SELECT 3, format('it is a member of %s', rolname) FROM belongs
            WHERE rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_database_owner', 'pg_maintain')
        UNION ALL SELECT 4, format('it owns the database, by %s', rolname)
            FROM pg_database JOIN belongs ON belongs.oid = datdba WHERE datname = current_database() AND NOT rolsuper
        UNION ALL SELECT 5, format('it owns schema %s', min(nspname)) FROM space WHERE nspowner IN (SELECT oid FROM belongs) HAVING count(*) > 0
        UNION ALL SELECT 6, format('it owns %s of the tables, sequences and views, such as %s', count(*), min(name))
            FROM object WHERE owner IN (SELECT oid FROM belongs) HAVING count(*) > 0
        UNION ALL SELECT 7, format('%s on %s%s', min(privilege_type), min(name),
                CASE WHEN count(*) > 1 THEN format(', and %s such grants on tables and sequences in all', count(*)) END)
            FROM object, aclexplode(acl) a
            WHERE a.grantee IN (SELECT oid FROM grantee) AND owner NOT IN (SELECT oid FROM belongs)
                AND (privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN') OR relkind = 'S' AND privilege_type = 'USAGE')
            HAVING count(*) > 0
        UNION ALL SELECT 8, format('%s on columns of %s', min(privilege_type), min(name))
            FROM object JOIN pg_attribute ON attrelid = object.oid, aclexplode(attacl) a
            WHERE a.grantee IN (SELECT oid FROM grantee) AND privilege_type IN ('INSERT', 'UPDATE') HAVING count(*) > 0
        UNION ALL SELECT 9, format('CREATE in schema %s%s', min(nspname), CASE WHEN bool_or(a.grantee = 0) THEN ', as everybody' END)
            FROM space, aclexplode(acl) a
            WHERE a.grantee IN (SELECT oid FROM grantee) AND privilege_type = 'CREATE' AND nspowner NOT IN (SELECT oid FROM belongs)
            HAVING count(*) > 0
        UNION ALL SELECT 10, 'CREATE in the database' FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
            WHERE datname = current_database() AND a.grantee IN (SELECT oid FROM grantee) AND privilege_type = 'CREATE'
                AND datdba NOT IN (SELECT oid FROM belongs) HAVING count(*) > 0
        UNION ALL SELECT 11, format('it owns, or may change, %s large object%s', count(*), CASE WHEN count(*) > 1 THEN 's' END) FROM pg_largeobject_metadata
            WHERE lomowner IN (SELECT oid FROM belongs)
                OR EXISTS (SELECT FROM aclexplode(lomacl) a WHERE a.grantee IN (SELECT oid FROM grantee) AND privilege_type = 'UPDATE')
            HAVING count(*) > 0
    )
    -- A superuser is told as one, and not everything that it could do.
    SELECT coalesce(array_agg(says ORDER BY rank, says) FILTER (WHERE rank = 1), array_agg(says ORDER BY rank, says), '{}') AS ways FROM way
) AS found \gset sl_
SELECT :'sl_event' WHERE :'sl_reads' = 'production' \g |exec cat
SELECT :'sl_reads' = 'production' AND :'sl_writable' = 'on' AND :'sl_require' = '1' AS refused \gset sl_
\if :sl_refused
    SELECT 17, :'sl_refusal' \g outcome
    \quit
\endif
