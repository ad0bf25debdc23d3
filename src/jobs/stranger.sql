-- Is this the sandbox's database, and not production's? Asked before it is read as the sandbox's: a checkpoint of another one would take the
-- place of the sandbox's, and a diff makes temporary tables. Follows identity.sql. A refusal goes to the file `outcome` as CODE|EVENT, with the
-- code sl_stranger.
WITH finding(reason) AS (
    SELECT format('the session is in database %s, not in %s: a pooler may have led it elsewhere', current_database(), :'sl_database')
    WHERE current_database() <> :'sl_database'
    UNION ALL
    SELECT format('this is production''s database, as a refresh or backup has read it: %s on %s port %s', current_database(), here ->> 'address',
        here ->> 'port')
    FROM (SELECT nullif(:'sl_neighbour', '')::json AS its, :'sl_identity'::json AS here) AS read WHERE its ->> 'database_oid' = here ->> 'database_oid'
    UNION ALL
    SELECT format('%s is a member of a role that owned production''s objects when a refresh or backup read it: %s', session_user,
        string_agg(owner, ', ' ORDER BY owner))
    FROM json_array_elements_text(nullif(:'sl_neighbour', '')::json -> 'owners') AS owner
    WHERE owner IN (SELECT rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')) HAVING count(*) > 0
)
SELECT count(*) > 0 AS refused, json_build_object('event', 'refused', 'code', :sl_stranger, 'reason', string_agg(reason, '; also, '),
    'items', json_build_array())::text AS event FROM finding \gset sl_
\if :sl_refused
    SELECT :sl_stranger, :'sl_event' \g outcome
    \quit
\endif
