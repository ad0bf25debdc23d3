-- Where the schemas are not the same all is wiped and restored, whatever the rows are: then none is read. Between schema.sql and prints.sql.
SELECT :'sl_set'::json ->> 'schema' IS DISTINCT FROM nullif(:'sl_schema', '') AS foreseen \gset sl_
\if :sl_foreseen
    \set sl_only '[]'
\endif
SELECT :'sl_foreseen' \g told
