-- What would the wipe take for good? Whatever of others CASCADE reaches, such as a column of a type, a foreign key to a table, a default from
-- a sequence, begins with an edge from a thing of another owner to one of the role's. No dump of a schema brings that back, nor what the
-- role owns in no schema, nor a policy of others that is for it. Follows checks.sql.
WITH role AS (
    SELECT oid FROM pg_roles WHERE rolname = :'sl_role'
), relation AS MATERIALIZED (
    SELECT oid, relowner AS owner FROM pg_class
), type AS MATERIALIZED (
    SELECT oid, typowner AS owner FROM pg_type
), owned(classid, objid, owner) AS MATERIALIZED (
    SELECT 'pg_class'::regclass, oid, owner FROM relation
    UNION ALL SELECT 'pg_type'::regclass, oid, owner FROM type
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner FROM pg_namespace
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily
    UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner FROM pg_conversion
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_ts_dict
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner FROM pg_statistic_ext
    UNION ALL SELECT 'pg_extension'::regclass, oid, extowner FROM pg_extension
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwowner FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvowner FROM pg_foreign_server
    UNION ALL SELECT 'pg_publication'::regclass, oid, pubowner FROM pg_publication
    UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtowner FROM pg_event_trigger
    -- Parts of a table, a domain, a family, a publication: whose that is.
    UNION ALL SELECT 'pg_constraint'::regclass, n.oid, coalesce(r.owner, t.owner) FROM pg_constraint n
        LEFT JOIN relation r ON r.oid = conrelid LEFT JOIN type t ON t.oid = contypid
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, owner FROM pg_attrdef d JOIN relation r ON r.oid = adrelid
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, owner FROM pg_trigger t JOIN relation r ON r.oid = tgrelid
    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, owner FROM pg_rewrite w JOIN relation r ON r.oid = ev_class
    UNION ALL SELECT 'pg_policy'::regclass, p.oid, owner FROM pg_policy p JOIN relation r ON r.oid = polrelid
    UNION ALL SELECT 'pg_amop'::regclass, o.oid, opfowner FROM pg_amop o JOIN pg_opfamily f ON f.oid = amopfamily
    UNION ALL SELECT 'pg_amproc'::regclass, o.oid, opfowner FROM pg_amproc o JOIN pg_opfamily f ON f.oid = amprocfamily
    UNION ALL SELECT 'pg_publication_rel'::regclass, p.oid, pubowner FROM pg_publication_rel p JOIN pg_publication b ON b.oid = prpubid
    UNION ALL SELECT 'pg_default_acl'::regclass, oid, defaclrole FROM pg_default_acl
), taken AS (
    SELECT d.classid, d.objid, d.objsubid, o.owner FROM role, pg_depend d
    JOIN owned its ON its.classid = d.refclassid AND its.objid = d.refobjid
    LEFT JOIN owned o ON o.classid = d.classid AND o.objid = d.objid
    WHERE its.owner = role.oid AND o.owner IS DISTINCT FROM role.oid
    UNION
    -- By itself, or, of a policy on a table of others, that it is for the role.
    SELECT s.classid, s.objid, 0, CASE deptype WHEN 'o' THEN role.oid ELSE o.owner END FROM role, pg_shdepend s
    LEFT JOIN owned o ON o.classid = s.classid AND o.objid = s.objid
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.refclassid = 'pg_authid'::regclass AND s.refobjid = role.oid
        AND (s.deptype = 'r' AND o.owner <> role.oid OR s.deptype = 'o' AND s.classid IN ('pg_namespace'::regclass, 'pg_extension'::regclass,
            'pg_foreign_data_wrapper'::regclass, 'pg_foreign_server'::regclass, 'pg_user_mapping'::regclass, 'pg_publication'::regclass,
            'pg_event_trigger'::regclass))
), named AS (
    SELECT format('%s, %s', regexp_replace(i.type || ' ' || i.identity, '^rule "_RETURN" on ', 'view '),
        coalesce('owned by ' || pg_get_userbyid(owner), 'of no owner')) AS says
    FROM taken, pg_identify_object(classid, objid, objsubid) AS i WHERE i.identity !~ '\mpg_(toast|temp)_[0-9]+\.'
)
SELECT 23 AS code, count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', 23, 'reason', format(
    'the wipe would take what the dump does not bring back (%s): objects of other owners that depend on %s and its objects, or its own in no schema. '
    'Fix: take them away before and make them again afterwards, as by --after, or let them depend on nothing of it',
    count(*), :'sl_role'), 'items', coalesce(json_agg(says ORDER BY says), '[]'))::text AS event FROM named \gset sl_
\if :sl_refused
    SELECT :'sl_code', :'sl_event' \g outcome
    \quit
\endif
