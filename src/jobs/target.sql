-- Which server and database would be changed, and the settings that this server knows. Follows identity.sql.
SELECT '{"event":"target",' || substr(:'sl_identity', 2) \g |exec cat
SELECT name FROM pg_settings \g target.settings
