-- What the sandbox's owner has granted to others in schema public goes with the objects that the wipe takes, and no dump brings it back:
-- it is read before, as statements, each with what must be there for it. Default privileges come back before the restore, so that what is
-- new gets them; from what was there before, they are taken again, so that it has what it had. Follows checks.sql.
WITH relation AS (
    SELECT c.*, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, format('public.%I', relname) AS place FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_get_userbyid(relowner) = :'sl_role'
), granted(kind, place, what, owner, acl) AS (
    SELECT kind, place, '%s', relowner, relacl FROM relation WHERE relacl IS NOT NULL
    UNION ALL
    SELECT kind, place, format('%%s (%I)', attname), relowner, attacl FROM relation r JOIN pg_attribute ON attrelid = r.oid
    WHERE attacl IS NOT NULL AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'ROUTINE', format('public.%I(%s)', proname, pg_get_function_identity_arguments(oid)), '%s', proowner, proacl FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proacl IS NOT NULL AND pg_get_userbyid(proowner) = :'sl_role'
), by_default AS (
    SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS receiver, d.*, privilege_type, is_grantable
    FROM pg_default_acl d, aclexplode(defaclacl)
    WHERE pg_get_userbyid(defaclrole) = :'sl_role' AND grantee <> defaclrole AND defaclnamespace IN (0, 'public'::regnamespace)
), item(turn, kind, place, statement) AS (
    SELECT DISTINCT 1, kind, place, format('REVOKE ALL ON %s %s FROM %s', kind, place, receiver) FROM relation, by_default
    UNION ALL
    -- Everybody may call a function that is made, unless that was taken away.
    SELECT 1, kind, place, format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', place) FROM granted
    WHERE kind = 'ROUTINE' AND NOT EXISTS (SELECT FROM aclexplode(acl) AS a WHERE grantee = 0)
    UNION ALL
    SELECT 2, kind, place, format('GRANT %s ON %s %s TO %s%s', format(what, privilege_type), kind, place,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM granted, aclexplode(acl) WHERE grantee <> owner AND grantor = owner
)
SELECT (SELECT coalesce(json_agg(item ORDER BY turn, statement COLLATE "C"), '[]') FROM item) AS grants, (
    SELECT coalesce(json_agg(format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s GRANT %s ON %s TO %s%s', :'sl_role',
        CASE WHEN defaclnamespace <> 0 THEN 'IN SCHEMA public' END, privilege_type, CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
        WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, receiver, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)), '[]')
    FROM by_default) AS defaults \gset sl_
