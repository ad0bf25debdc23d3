-- May this database be wiped and filled, by this login? Follows identity.sql. Asked before anything waits, and again inside the
-- transaction: at its start, after the wipe, after the restore. Everything found goes to `outcome` as CODE|EVENT, and psql ends.
-- Read once in a session: it starts a shell.
\if :{?sl_source}
\else
\set sl_source `exec cat "$SET_DIR/source.identity"`
\endif
WITH source AS MATERIALIZED (
    SELECT s AS whole, s -> 'identity' AS its, i AS here,
        CASE WHEN s -> 'identity' ->> 'system_identifier' IS NOT NULL AND i ->> 'system_identifier' IS NOT NULL
             THEN s -> 'identity' ->> 'system_identifier' = i ->> 'system_identifier'
             -- No two servers start in the same microsecond, and one may be reached at several addresses. Where no start is known, and
             -- for a checkpoint, which is older than a restart and stays one of this server, it is the address.
             ELSE coalesce(s -> 'identity' ->> 'started_at' = i ->> 'started_at', false)
                  OR (s -> 'identity' ->> 'address', s -> 'identity' ->> 'port') IS NOT DISTINCT FROM (i ->> 'address', i ->> 'port')
                  AND (s -> 'identity' ->> 'started_at' IS NULL OR :'sl_kind' = 'checkpoint')
        END AS same_server
    FROM (SELECT :'sl_source'::json AS s, :'sl_identity'::json AS i) AS read
), production AS MATERIALIZED (
    -- As an earlier run has seen it: a checkpoint does not know of it. Where it was just read, the source is that, and newer.
    SELECT nullif(:'sl_neighbour', '')::json AS its WHERE :'sl_kind' <> 'production' AND :'sl_neighbour' <> ''
), belongs AS MATERIALIZED (
    -- every role this login is or can become
    SELECT r.* FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER')
), object AS MATERIALIZED (
    SELECT 'pg_class'::regclass AS classid, oid AS objid, relowner AS owner, relnamespace AS space, NULL::name AS routine
        FROM pg_class WHERE relkind NOT IN ('i', 'I', 't')
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace, proname FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, t.oid, typowner, typnamespace, NULL FROM pg_type t
        WHERE typtype IN ('b', 'd', 'e', 'r') AND typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type WHERE typarray = t.oid)
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner, oprnamespace, NULL FROM pg_operator
    UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, collnamespace, NULL FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner, connamespace, NULL FROM pg_conversion
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner, opcnamespace, NULL FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner, opfnamespace, NULL FROM pg_opfamily
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner, cfgnamespace, NULL FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner, dictnamespace, NULL FROM pg_ts_dict
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner, stxnamespace, NULL FROM pg_statistic_ext
), own AS MATERIALIZED (
    SELECT o.*, pg_get_userbyid(o.owner) AS owned_by, n.nspname AS schema,
        n.nspname = 'public' AND o.routine = ANY (string_to_array(:'sl_skip', E'\n')) IS TRUE AS skipped
    FROM object o JOIN pg_namespace n ON n.oid = o.space
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype = 'e')
), named AS (
    SELECT own.*, (SELECT format('%s %s, owned by %s', i.type, i.identity, owned_by)
        FROM pg_identify_object(classid, objid, 0) i) AS says
    FROM own WHERE (schema = 'public') = (owned_by <> :'sl_role') OR skipped
), finding(code, reason, items) AS (
    SELECT 21, format('the session is in database %s, not in %s: a pooler may have led it elsewhere', current_database(), :'sl_database'), '{}'::text[]
    WHERE current_database() <> :'sl_database'
    UNION ALL
    SELECT 21, format('this is the database that was dumped: %s on %s port %s', current_database(), here ->> 'address', here ->> 'port'), '{}'
    FROM source WHERE :'sl_kind' NOT IN ('checkpoint', 'own-backup') AND same_server
        AND (its ->> 'database_oid' = here ->> 'database_oid' OR current_database() IN (its ->> 'database', :'sl_source_database'))
    UNION ALL
    SELECT 21, format('the checkpoint was taken of another database: %s on %s port %s, read at %s', its ->> 'database', its ->> 'address', its ->> 'port',
        its ->> 'read_at'), '{}'
    FROM source WHERE :'sl_kind' = 'checkpoint' AND NOT (same_server AND its ->> 'database_oid' = here ->> 'database_oid')
    UNION ALL
    SELECT 21, format('this is production''s database, as a refresh or backup has read it: %s on %s port %s', current_database(), here ->> 'address',
        here ->> 'port'), '{}'
    FROM source, production WHERE production.its ->> 'database_oid' = here ->> 'database_oid'
    UNION ALL
    SELECT 22, format('%s is a member of a role that owned production''s objects when a refresh or backup read it', session_user), array_agg(owner)
    FROM production, json_array_elements_text(its -> 'owners') owner WHERE owner IN (SELECT rolname FROM belongs) HAVING count(*) > 0
    UNION ALL
    SELECT 22, format('%s is not a member of %s. Fix: GRANT %2$I TO %1$I', session_user, :'sl_role'), '{}'
    WHERE NOT EXISTS (SELECT FROM belongs WHERE rolname = :'sl_role') AND EXISTS (SELECT FROM pg_roles WHERE rolname = :'sl_role')
    UNION ALL
    SELECT 22, format('there is no role %s: give by --sandbox-role the one that owns what is in schema public', :'sl_role'),
        (SELECT array_agg(DISTINCT format('owned by %s', owned_by)) FROM own WHERE schema = 'public' AND NOT skipped)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'sl_role')
    UNION ALL
    SELECT 22, format('%s can act with more rights than a sandbox needs, by itself or by membership: nothing is wiped by such a login', session_user),
        array_agg(format('%s: %s', rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
            CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
            CASE WHEN rolreplication THEN 'REPLICATION' END)) ORDER BY rolname)
    FROM belongs WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication HAVING count(*) > 0
    UNION ALL
    SELECT 22, format('%s owns, by itself or by membership, other databases on this server', session_user),
        array_agg(format('database %s, owned by %s', datname, pg_get_userbyid(datdba)) ORDER BY datname)
    FROM pg_database WHERE datname <> current_database() AND datdba IN (SELECT oid FROM belongs) HAVING count(*) > 0
    UNION ALL
    SELECT 22, format('%s is a member of a role that owns production''s objects', session_user), array_agg(owner)
    FROM source, json_array_elements_text(whole -> 'owners') owner
    WHERE :'sl_kind' NOT IN ('checkpoint', 'own-backup') AND same_server AND owner IN (SELECT rolname FROM belongs) HAVING count(*) > 0
    UNION ALL
    SELECT 23, format('objects in schema public do not belong to %s and would survive the wipe or collide. Fix: REASSIGN OWNED, ALTER ... OWNER TO '
        '%1$I, or --skip-function', :'sl_role'), array_agg(says ORDER BY says)
    FROM named WHERE schema = 'public' AND NOT skipped AND owned_by <> :'sl_role' AND EXISTS (SELECT FROM pg_roles WHERE rolname = :'sl_role')
    HAVING count(*) > 0
    UNION ALL
    SELECT 23, format('functions to skip belong to %s: the wipe would take them and the dump would not bring them back. Fix: ALTER FUNCTION ... OWNER '
        'TO the provisioner, or leave them out of --skip-function', :'sl_role'), array_agg(says ORDER BY says)
    FROM named WHERE skipped AND owned_by = :'sl_role' HAVING count(*) > 0
    UNION ALL
    SELECT 23, format('%s owns objects outside schema public: the wipe would take them and the dump would not bring them back', :'sl_role'),
        array_agg(says ORDER BY says)
    FROM named WHERE schema <> 'public' HAVING count(*) > 0
    UNION ALL
    SELECT 24, format('the sandbox lacks extensions that production has. Fix, as a superuser in %s: CREATE EXTENSION', current_database()),
        array_agg(e.name ORDER BY e.name)
    FROM source, json_array_elements_text(whole -> 'extensions') AS e(name)
    WHERE e.name NOT IN (SELECT extname FROM pg_extension) HAVING count(*) > 0
    UNION ALL
    SELECT 26, format('%s may not create in schema public (DROP OWNED revokes what was granted to the role). Fix, as its owner in %s: '
        'GRANT USAGE, CREATE ON SCHEMA public TO %1$I', :'sl_role', current_database()), '{}'
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :'sl_role') AND NOT (
        SELECT has_schema_privilege(r.oid, 'public', 'CREATE') AND has_schema_privilege(r.oid, 'public', 'USAGE')
        FROM pg_roles r WHERE r.rolname = :'sl_role')
)
SELECT min(code) AS code, count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', min(code),
    'reason', string_agg(reason, '; also, ' ORDER BY code), 'items', coalesce((
        SELECT json_agg(item) FROM (SELECT unnest(items) AS item FROM finding ORDER BY code) AS each), '[]'),
    'each', json_agg(json_build_object('code', code, 'reason', reason, 'items', items) ORDER BY code))::text AS event
FROM finding \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
