-- What the other container must know of the database that was read: which it is, whose it is, which extensions it has. Follows identity.sql.
SELECT json_build_object('identity', :'sl_identity'::json,
    'owners', (SELECT json_agg(DISTINCT pg_get_userbyid(owner)) FROM (
        SELECT datdba FROM pg_database WHERE datname = current_database()
        UNION SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')) o(owner)),
    'extensions', (SELECT coalesce(json_agg(extname), '[]') FROM pg_extension WHERE extname <> 'plpgsql'),
    'relations', (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        OR oid IN (SELECT reltoastrelid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        OR oid IN (SELECT i.indexrelid FROM pg_index i JOIN pg_class t ON t.reltoastrelid = i.indrelid
                   WHERE t.relnamespace = 'public'::regnamespace))) \g :sl_set_dir/source.identity
