-- Only now. What the server says of the transaction's number afterwards is the proof, from this session or from another: one that does not
-- say it ends, and another asks.
COMMIT;
-- The operator's own statements may have set another.
SET search_path = pg_catalog;
SELECT coalesce(txid_status(:sl_xid::bigint) = 'committed', false) AS committed \gset sl_
\if :sl_committed
    \! : >committed; echo '{"event":"committed"}'; echo committed >&8
\else
    \quit
\endif
