-- As the owner, and only its own tables: ANALYZE alone would warn about each of the server's. `sl_many`: those of which much was put
-- back, or empty for all.
SET search_path = pg_catalog;
SET ROLE :"sl_role";
SELECT 'ANALYZE ' || string_agg(format('public.%I', relname), ', ') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm')
    AND (:'sl_many' = '' OR relname IN (SELECT json_array_elements_text(nullif(:'sl_many', '')::json))) HAVING count(*) > 0 \gexec
\! : >analyzed
