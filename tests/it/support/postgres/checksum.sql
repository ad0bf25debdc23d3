-- One line a table (name, rows, hash of the rows) and one a sequence, sorted: what `checksum` compares. Independent of
-- physical order: each row hashes to 64 bits and the hashes are added up.
SET DateStyle = 'ISO, DMY';
SET TimeZone = 'UTC';
SET extra_float_digits = 3;
SET bytea_output = 'hex';
DO $sums$
DECLARE
    relation record;
    line text;
    lines text[] := '{}';
BEGIN
    FOR relation IN
        SELECT c.oid, c.relname, c.relkind FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S')
        ORDER BY c.relname COLLATE "C"
    LOOP
        IF relation.relkind = 'S' THEN
            EXECUTE format('SELECT format(''%%s,%%s'', last_value, is_called) FROM public.%I', relation.relname) INTO line;
        ELSE
            EXECUTE format(
                'SELECT format(''%%s,%%s'', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)) FROM ONLY public.%I t',
                relation.relname) INTO line;
        END IF;
        lines := lines || (quote_ident(relation.relname) || E'\t' || relation.relkind::text || E'\t' || line);
    END LOOP;
    PERFORM set_config('lab.sums', array_to_string(lines, E'\n'), false);
END
$sums$;
SELECT current_setting('lab.sums');
