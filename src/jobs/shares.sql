-- Which tables each of the two sessions reads, so that both end at about the same time: the file `share` has the second one's names, sl_only
-- the first one's. A table costs its pages, as they were when last counted, and, as much as four of them, a statement of its own; the first
-- session also has the sequences to read, and the schema or its stamp (measured: a session reads 20,000 pages in a second, and the rest takes it
-- 100 or 40 ms). Comes before stamp.sql, without which the schema is read.
\set sl_stamp ''
\set sl_unread t
\set sl_stamped `[ ! -e "$STAMP" ] || LC_ALL=C exec tr -cd 0-9a-f <"$STAMP" 2>/dev/null`
WITH each AS (
    SELECT relname, CASE WHEN relpages > 0 THEN relpages + 4 ELSE 1 END AS cost FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
), share AS (
    SELECT relname, sum(cost) OVER (ORDER BY cost DESC, relname) - cost / 2
        < (sum(cost) OVER () + CASE :'sl_stamped' WHEN '' THEN 2000 ELSE 800 END) / 2 AS second FROM each
)
SELECT coalesce(json_agg(relname) FILTER (WHERE second), '[]') AS share, coalesce(json_agg(relname) FILTER (WHERE NOT second), '[]') AS only
FROM share \gset sl_
SELECT :'sl_share' \g share
SELECT :'sl_snapshot' \g told
