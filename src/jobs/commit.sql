-- Only now. What the server says of the transaction's number afterwards is the proof, from this session or from another.
COMMIT;
SELECT txid_status(:sl_xid) = 'committed' AS committed \gset sl_
\if :sl_committed
    \! : >committed; echo '{"event":"committed"}'; echo committed >&8
\endif
