-- The stamp of the schema whose fingerprint is sl_schema. Follows stamp.sql. Where it is the one that the set has, sl_stamped, the schema need
-- not be read: sl_unread is f.
\if :{?sl_stamped}
\else
\set sl_stamped ''
\endif
SELECT CASE WHEN '' IN (:'sl_versions', :'sl_schema') THEN '' ELSE md5(concat_ws(E'\n', :'sl_versions', :'sl_schema')) END AS stamp \gset sl_
SELECT :'sl_stamp' = '' OR :'sl_stamp' <> :'sl_stamped' AS unread \gset sl_
