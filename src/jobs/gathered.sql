-- What the second session has read, for the first one.
SELECT :'sl_tables' \g beside.tables
\quit
