-- What the sandbox's owner has granted to others in schema public goes with the objects that the wipe takes, and no dump brings it back:
-- it is read before, as statements, each with what must be there for it. Default privileges come back before the restore, so that what is
-- new gets them; from what was there before, they are taken again, so that it has what it had. Follows checks.sql.
WITH relation AS (
    SELECT c.*, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, format('public.%I', relname) AS place FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_get_userbyid(relowner) = :'sl_role'
), routine AS (
    -- By the types of what it takes, without names, as it is found again.
    SELECT p.*, CASE WHEN current_setting('server_version_num')::integer >= 110000 THEN 'ROUTINE' ELSE 'FUNCTION' END AS kind, oid::regprocedure::text AS place
    FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) = :'sl_role'
), granted(kind, place, columns, owner, acl) AS (
    SELECT kind, place, '', relowner, relacl FROM relation WHERE relacl IS NOT NULL
    UNION ALL
    SELECT kind, place, format(' (%I)', attname), relowner, attacl FROM relation r JOIN pg_attribute ON attrelid = r.oid
    WHERE attacl IS NOT NULL AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT kind, place, '', proowner, proacl FROM routine WHERE proacl IS NOT NULL
), by_default AS (
    SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS receiver, d.*, privilege_type, is_grantable
    FROM pg_default_acl d, aclexplode(defaclacl)
    WHERE pg_get_userbyid(defaclrole) = :'sl_role' AND grantee <> defaclrole AND defaclnamespace IN (0, 'public'::regnamespace)
), item(turn, kind, place, statement) AS (
    -- Everybody may call a function that is made, unless that was taken away.
    SELECT DISTINCT 1, kind, place, format('REVOKE ALL ON %s %s FROM %s', kind, place, receiver) FROM by_default, (
        SELECT kind, place FROM relation UNION ALL SELECT kind, place FROM routine) AS existing
    WHERE receiver <> 'PUBLIC' OR kind IN ('TABLE', 'SEQUENCE')
    UNION ALL
    SELECT 1, kind, place, format('REVOKE ALL ON %s %s FROM PUBLIC', kind, place) FROM routine
    WHERE proacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(proacl) AS a WHERE grantee = 0)
    UNION ALL
    SELECT 2, kind, place, format('GRANT %s%s ON %s %s TO %s%s', privilege_type, columns, kind, place,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)
    FROM granted, aclexplode(acl) WHERE grantee <> owner AND grantor = owner AND (grantee <> 0 OR kind IN ('TABLE', 'SEQUENCE'))
)
SELECT (SELECT coalesce(json_agg(item ORDER BY turn, statement COLLATE "C"), '[]') FROM item) AS grants, (
    SELECT coalesce(json_agg(format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s GRANT %s ON %s TO %s%s', :'sl_role',
        CASE WHEN defaclnamespace <> 0 THEN 'IN SCHEMA public' END, privilege_type, CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
        WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, receiver, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END)), '[]')
    FROM by_default) AS defaults \gset sl_
