-- What decides how a value becomes text, so that two sessions at two servers write the same. Also after a restore, which sets its own.
SET search_path = pg_catalog;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET lc_monetary = 'C';
SET xmlbinary = 'base64';
SET quote_all_identifiers = off;
SET row_security = off;
-- What the fingerprints are made with came with PostgreSQL 12; an older server has none, and what it gives is restored whole.
SELECT current_setting('server_version_num')::integer >= 120000 AS fingerprints \gset sl_
