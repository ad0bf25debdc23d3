-- Where the schemas are not the same all is wiped and restored, whatever the rows are: then none is read. Between schema.sql and prints.sql.
-- What was read now and found equal may be stamped, when all has ended well.
SELECT :'sl_set'::json ->> 'schema' IS DISTINCT FROM nullif(:'sl_schema', '') AS foreseen \gset sl_
\if :sl_foreseen
    \set sl_only '[]'
    \set sl_tables '[]'
    \set sl_sequences '[]'
    \set sl_stamp ''
\endif
SELECT :'sl_foreseen', CASE WHEN :'sl_stamp' <> :'sl_stamped' THEN :'sl_stamp' ELSE '' END \g told
