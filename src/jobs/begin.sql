-- The start of the one transaction. A client that has vanished is noticed, a session left waiting is ended.
SELECT set_config(name, value, false) FROM (VALUES ('client_connection_check_interval', '1s'), ('transaction_timeout', '0'),
    ('idle_in_transaction_session_timeout', '300s'), ('lock_timeout', :'sl_lock_timeout'), ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '300000')) AS wanted(name, value)
    JOIN pg_settings USING (name) \g ignored
BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT txid_current() AS xid \gset sl_
SELECT :sl_xid \g xid
