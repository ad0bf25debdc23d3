-- What the provisioner lays into each database: `-v role=…` is the role that owns the application's objects there.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"role";
COMMENT ON SCHEMA public IS 'the application''s tables';
CREATE FUNCTION public.user_lookup(i_username text, OUT uname text, OUT phash text) RETURNS record
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $body$ SELECT usename::text, passwd FROM pg_shadow WHERE usename = i_username $body$;
COMMENT ON FUNCTION public.user_lookup(text) IS 'the pooler asks here';
ALTER FUNCTION public.user_lookup(text) OWNER TO provisioner;
REVOKE ALL ON FUNCTION public.user_lookup(text) FROM PUBLIC;
