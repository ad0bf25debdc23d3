-- What the newest checkpoint says of the schema, and its stamp; whoever made room for the set has found that to be as it was saved. It is not
-- believed where it was fingerprinted in another way, or by a server that words its definitions in another. Comes between stamp.sql and
-- schema.sql, with claimed.sql and stamped.sql behind it.
\set sl_set `exec cat "$SET_DIR/former.manifest"`
\set sl_stamped `LC_ALL=C exec tr -cd 0-9a-f <"$SET_DIR/former.stamp"`
SELECT CASE WHEN (s ->> 'format', s ->> 'rules', s -> 'identity' ->> 'server_version_num', s ->> 'encoding')
    = (:'sl_format', :'sl_rules', current_setting('server_version_num'), getdatabaseencoding()::text) THEN :'sl_stamped' ELSE '' END AS stamped
FROM (SELECT :'sl_set'::json AS s) AS set \gset sl_
