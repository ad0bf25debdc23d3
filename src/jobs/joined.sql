-- The tables that both sessions have read, as if one had. Follows prints.sql; sl_beside has those of the other one.
SELECT :'sl_tables'::jsonb || :'sl_beside'::jsonb AS tables \gset sl_
\set sl_only ''
