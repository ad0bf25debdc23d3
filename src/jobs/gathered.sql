-- What the second session has read, for the first one.
SELECT :'sl_tables' \g beside.tables
SELECT :'sl_sequences' \g beside.sequences
\quit
