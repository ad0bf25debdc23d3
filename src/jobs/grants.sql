-- What the sandbox's owner has granted to others in schema public, and taken from everybody, goes with the objects that the wipe takes, and
-- no dump brings it back: it is read before, as statements, each with what must be there for it. Default privileges come back before the
-- restore, so that what is new gets them; what was there before is brought from them to what it had. Follows checks.sql.
-- Turns: 1 takes away what the object got by default, 2 grants, 3 needs no object, 4 only tells what this login cannot do again.
WITH role AS (
    SELECT oid AS role FROM pg_roles WHERE rolname = :'sl_role'
), class AS MATERIALIZED (
    SELECT letter::"char", acldefault(kind::"char", role) AS standard, called FROM role, (VALUES ('r', 'r', 'TABLES'), ('S', 's', 'SEQUENCES'),
        ('f', 'f', 'FUNCTIONS'), ('T', 'T', 'TYPES'), ('n', 'n', 'SCHEMAS'), ('L', 'L', 'LARGE OBJECTS')) AS v(letter, kind, called)
), standard AS MATERIALIZED (
    SELECT letter, grantee, privilege_type, is_grantable FROM class, aclexplode(standard)
), chosen AS MATERIALIZED (
    SELECT defaclobjtype AS letter, d.oid, defaclrole, defaclnamespace, e.* FROM pg_default_acl d, aclexplode(defaclacl) AS e
), altered AS MATERIALIZED (
    SELECT defaclobjtype AS letter, oid, defaclnamespace AS space FROM pg_default_acl, role WHERE defaclrole = role
), given AS MATERIALIZED (
    -- What an object gets that is made in schema public.
    SELECT letter, grantee, privilege_type, is_grantable FROM chosen, role WHERE defaclrole = role AND defaclnamespace IN (0, 'public'::regnamespace)
    UNION
    SELECT s.* FROM standard s WHERE letter NOT IN (SELECT letter FROM altered WHERE space = 0)
), object AS MATERIALIZED (
    SELECT CASE relkind WHEN 'S' THEN 'S' ELSE 'r' END::"char" AS letter, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
        format('public.%I', relname) AS place, relacl AS acl, oid AS relation
    FROM pg_class, role WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relowner = role
    UNION ALL
    -- By the types of what it takes, without names, as it is found again.
    SELECT 'f', CASE WHEN current_setting('server_version_num')::integer >= 110000 THEN 'ROUTINE' ELSE 'FUNCTION' END, oid::regprocedure::text, proacl, NULL
    FROM pg_proc, role WHERE pronamespace = 'public'::regnamespace AND proowner = role
    UNION ALL
    SELECT 'T', 'TYPE', oid::regtype::text, typacl, NULL FROM pg_type t, role WHERE typnamespace = 'public'::regnamespace AND typowner = role
        AND typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type WHERE typarray = t.oid)
        AND (typacl IS NOT NULL OR typrelid = 0 OR EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind = 'c'))
), had AS MATERIALIZED (
    SELECT letter, kind, place, '' AS columns, e.* FROM object JOIN class USING (letter), aclexplode(coalesce(acl, standard)) AS e
    WHERE acl IS NOT NULL OR letter IN (SELECT letter FROM altered)
    UNION ALL
    SELECT letter, kind, place, format(' (%I)', attname), e.* FROM object JOIN pg_attribute ON attrelid = relation, aclexplode(attacl) AS e
    WHERE attnum > 0 AND NOT attisdropped
), change(turn, kind, place, verb, privileges, receiver, tail) AS (
    SELECT 1, kind, place, 'REVOKE', g.privilege_type, g.grantee, '' FROM object o JOIN given g USING (letter), role
    WHERE g.grantee <> role AND (acl IS NOT NULL OR letter IN (SELECT letter FROM altered)) AND NOT EXISTS (SELECT FROM had h
        WHERE (h.kind, h.place, h.columns, h.grantee, h.privilege_type, h.is_grantable) = (o.kind, o.place, '', g.grantee, g.privilege_type, g.is_grantable))
    UNION ALL
    SELECT CASE grantor WHEN role THEN 2 ELSE 4 END, kind, place, 'GRANT', h.privilege_type || columns, h.grantee, concat(
        CASE WHEN h.is_grantable THEN ' WITH GRANT OPTION' END, CASE WHEN grantor <> role THEN format(' GRANTED BY %I', pg_get_userbyid(grantor)) END)
    FROM had h, role WHERE h.grantee <> role AND NOT (columns = '' AND (letter, h.grantee, h.privilege_type, h.is_grantable) IN (SELECT * FROM standard INTERSECT SELECT * FROM given))
    UNION ALL
    -- What the owner denies itself would be in the way of the comparison.
    SELECT 4, kind, place, 'REVOKE', s.privilege_type, s.grantee, '' FROM object o JOIN standard s USING (letter), role WHERE acl IS NOT NULL AND s.grantee = role
        AND NOT EXISTS (SELECT FROM aclexplode(acl) AS e WHERE (e.grantee, e.privilege_type) = (s.grantee, s.privilege_type))
), by_default(turn, verb, letter, maker, space, privilege, receiver, grantable) AS (
    -- An empty list of the whole database takes away what stands without it; one of a schema only adds.
    SELECT CASE s.grantee WHEN role THEN 3 ELSE 0 END, 'REVOKE', s.letter, role, 0::oid, s.privilege_type, s.grantee, false
    FROM role, standard s JOIN altered a ON a.letter = s.letter AND space = 0
    WHERE NOT EXISTS (SELECT FROM chosen c WHERE c.oid = a.oid AND (c.grantee, c.privilege_type, c.is_grantable) = (s.grantee, s.privilege_type, s.is_grantable))
    UNION ALL
    SELECT CASE WHEN defaclrole = role AND c.grantee <> role THEN 0 ELSE 3 END, 'GRANT', c.letter, defaclrole, defaclnamespace, c.privilege_type, c.grantee, c.is_grantable
    FROM chosen c, role WHERE (defaclrole = role OR c.grantee = role) AND (defaclrole <> role OR defaclnamespace <> 0
        OR NOT EXISTS (SELECT FROM standard s WHERE (s.letter, s.grantee, s.privilege_type, s.is_grantable) = (c.letter, c.grantee, c.privilege_type, c.is_grantable)))
), told AS (
    SELECT turn, verb, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s %s ON %s %s %s%s', pg_get_userbyid(maker), ' IN SCHEMA ' || nullif(space, 0)::regnamespace, verb,
        privilege, called, CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END, CASE receiver WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(receiver)) END,
        CASE WHEN grantable THEN ' WITH GRANT OPTION' END) AS statement
    FROM by_default JOIN class USING (letter)
), item(turn, kind, place, statement) AS (
    SELECT turn, kind, place, format('%s %s ON %s %s %s %s%s', verb, privileges, kind, place, CASE verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END,
        CASE receiver WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(receiver)) END, tail) FROM change
    UNION ALL
    SELECT turn, NULL, NULL, statement FROM told WHERE turn > 0
)
SELECT (SELECT coalesce(json_agg(item ORDER BY turn, statement COLLATE "C"), '[]') FROM item) AS grants,
    (SELECT coalesce(json_agg(statement ORDER BY verb DESC, statement COLLATE "C"), '[]') FROM told WHERE turn = 0) AS defaults \gset sl_
