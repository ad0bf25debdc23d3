-- What the newest checkpoint says of the schema, and its stamp; whoever made room for the set has found that to be as it was saved. Another
-- format's was fingerprinted in another way. Comes between stamp.sql and schema.sql, with claimed.sql and stamped.sql behind it.
\set sl_set `exec cat "$SET_DIR/former.manifest"`
\set sl_stamped `exec cat "$SET_DIR/former.stamp"`
SELECT CASE :'sl_set'::json ->> 'format' WHEN :'sl_format' THEN :'sl_stamped' ELSE '' END AS stamped \gset sl_
