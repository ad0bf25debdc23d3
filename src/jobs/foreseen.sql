-- Where the schemas are not the same all is wiped and restored, whatever the rows are: then none is read. Between schema.sql and prints.sql.
-- What was read now and found equal is stamped, once all has ended well, by what is in the file `stamped`.
SELECT :'sl_set'::json ->> 'schema' IS DISTINCT FROM nullif(:'sl_schema', '') AS foreseen \gset sl_
\if :sl_foreseen
    \set sl_only '[]'
    \set sl_tables '[]'
    \set sl_sequences '[]'
\endif
SELECT :'sl_stamp' WHERE NOT :'sl_foreseen' AND :'sl_stamp' NOT IN ('', :'sl_stamped') \g stamped
SELECT :'sl_foreseen' \g told
