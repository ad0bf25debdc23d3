-- Of a large table in `sl_moving` only the stretches of keys whose sums are not the set's have to be looked at: their numbers join it as
-- `stretches`, the key as `key`. All of it is looked at where the set has no sums, or where most of them differ.
-- Numbers beyond 2^46 are of keys that awk cannot tell apart.
SELECT set_config('sandbox_lifecycle.moving', :'sl_moving', false),
    set_config('sandbox_lifecycle.wanted', (SELECT json_agg(t) FROM json_array_elements(:'sl_set'::json -> 'tables') AS t
        WHERE t ->> 'stretches' IS NOT NULL)::text, false) \g ignored
DO $narrow$
DECLARE
    moving record;
    stretches json;
    narrowed json[] := '{}';
BEGIN
    FOR moving IN
        SELECT m.n, m.oid, m.source, m.name, w.stretches AS wanted, (SELECT quote_ident(attname) FROM pg_index i JOIN pg_attribute a
            ON attrelid = m.oid AND i.indkey::text = attnum::text WHERE i.indrelid = m.oid AND i.indisprimary AND attgenerated = '') AS key
        FROM json_to_recordset(current_setting('sandbox_lifecycle.moving')::json) AS m(n integer, oid oid, source bigint, name text)
        LEFT JOIN json_to_recordset(nullif(current_setting('sandbox_lifecycle.wanted'), '')::json) AS w(name text, stretches json) USING (name)
        ORDER BY m.n
    LOOP
        stretches := NULL;
        IF moving.wanted IS NOT NULL AND moving.key IS NOT NULL THEN
            EXECUTE format('SELECT CASE WHEN 2 * count(*) FILTER (WHERE differs) <= count(*) AND max(abs(stretch)) < 70368744177664 THEN '
                'coalesce(json_agg(stretch) FILTER (WHERE differs), ''[]'') END FROM (SELECT stretch, w.print IS DISTINCT FROM h.print AS differs FROM '
                '(SELECT key::bigint AS stretch, value::numeric AS print FROM json_each_text($1)) AS w FULL JOIN (SELECT (%s >> 7)::bigint AS '
                'stretch, sum(hashtextextended((sl.*)::text, 0)) AS print FROM ONLY public.%I sl GROUP BY 1) AS h USING (stretch)) AS each',
                moving.key, moving.name) INTO stretches USING moving.wanted;
        END IF;
        narrowed := narrowed || json_build_object('n', moving.n, 'oid', moving.oid::bigint, 'source', moving.source, 'name', moving.name,
            'key', moving.key, 'stretches', stretches);
    END LOOP;
    PERFORM set_config('sandbox_lifecycle.moving', to_json(narrowed)::text, false);
END
$narrow$;
SELECT current_setting('sandbox_lifecycle.moving') AS moving \gset sl_
