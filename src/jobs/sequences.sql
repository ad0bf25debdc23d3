-- The archive's sequences were read a moment after its rows; those of the manifest are what is compared. They were all made in this
-- transaction, so setval is part of it.
-- Without the objects of the schema, one by one: they are for a diff, and most of it.
\set sl_set `exec cat "$SET_DIR/source.manifest"`
SELECT :'sl_set'::jsonb - 'objects' AS set \gset sl_
\set sl_only ''
\set sl_many ''
SELECT count(setval(c.oid, s.last_value, s.is_called)) FROM json_to_recordset(:'sl_set'::json -> 'sequences')
    AS s(name text, last_value bigint, is_called boolean) JOIN pg_class c ON c.relname = s.name AND c.relkind = 'S'
    AND c.relnamespace = 'public'::regnamespace \g ignored
