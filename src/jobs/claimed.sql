-- What the set in sl_set says of its schema, and of each object of it. Stands for what schema.sql finds where stamped.sql shows that it is so still.
SELECT coalesce(s ->> 'schema', '') AS schema, coalesce(s ->> 'objects', '{}') AS objects FROM (SELECT :'sl_set'::json AS s) AS set \gset sl_
