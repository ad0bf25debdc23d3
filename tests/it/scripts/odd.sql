-- What the application's own tables are not: kinds of columns, keys, triggers and names.
CREATE TABLE odd_hen (rowid integer PRIMARY KEY, fk_egg integer);
CREATE TABLE odd_egg (rowid integer PRIMARY KEY, fk_hen integer REFERENCES odd_hen DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO odd_hen VALUES (1, 11), (2, 12);
INSERT INTO odd_egg VALUES (11, 2), (12, 1);
ALTER TABLE odd_hen ADD FOREIGN KEY (fk_egg) REFERENCES odd_egg DEFERRABLE INITIALLY IMMEDIATE;
CREATE TABLE odd_twins (a integer, b text);
INSERT INTO odd_twins VALUES (1, 'a'), (1, 'a'), (1, 'a'), (2, 'b'), (NULL, NULL), (NULL, '');
CREATE TABLE odd_made (
    gone integer, rowid integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price numeric(12, 4), taxed numeric GENERATED ALWAYS AS (price * 1.2) STORED,
    at timestamptz DEFAULT '2024-02-03 04:05:06.789+05', span interval DEFAULT '1 mon -3 days 04:05:06', ratio double precision DEFAULT 0.1, raw bytea DEFAULT '\x005c0a'
);
ALTER TABLE odd_made DROP COLUMN gone;
INSERT INTO odd_made (price) VALUES (1.5), (2.25);
CREATE TABLE "odd ""it's""
\." (rowid serial PRIMARY KEY, "a;b""c
d" text);
INSERT INTO "odd ""it's""
\." ("a;b""c
d") VALUES (E'\\.\n\\.'), ('COPY public.llx_user (rowid) FROM stdin;'), (E'tab\t$(touch injected)');
CREATE TABLE "odd `touch injected`" ("COPY public.x
FROM stdin;" text);
INSERT INTO "odd `touch injected`" VALUES ('\.');
CREATE SEQUENCE odd_new;
CREATE TABLE odd_stamped (rowid integer PRIMARY KEY, note text, tms timestamp);
INSERT INTO odd_stamped VALUES (1, 'a', '2024-01-01'), (2, 'b', '2024-01-02'), (3, 'c', NULL);
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON odd_stamped FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms();
CREATE TRIGGER stamp_always BEFORE INSERT ON odd_stamped FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms();
ALTER TABLE odd_stamped ENABLE ALWAYS TRIGGER stamp_always;
CREATE TRIGGER stamp_never BEFORE INSERT ON odd_stamped FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms();
ALTER TABLE odd_stamped DISABLE TRIGGER stamp_never;
CREATE TRIGGER stamp_replica BEFORE INSERT ON odd_stamped FOR EACH ROW EXECUTE FUNCTION update_modified_column_tms();
ALTER TABLE odd_stamped ENABLE REPLICA TRIGGER stamp_replica;
COMMENT ON TABLE odd_stamped IS 'stamped';
CREATE TABLE odd_parts (rowid integer, year integer) PARTITION BY LIST (year);
CREATE TABLE odd_part_2024 PARTITION OF odd_parts FOR VALUES IN (2024);
INSERT INTO odd_parts VALUES (1, 2024);
CREATE TABLE odd_base (rowid integer PRIMARY KEY);
CREATE TABLE odd_strict (rowid integer PRIMARY KEY, fk_base integer REFERENCES odd_base);
CREATE TABLE odd_root (rowid integer PRIMARY KEY);
CREATE TABLE odd_cascading (rowid integer PRIMARY KEY, fk_root integer REFERENCES odd_root ON DELETE CASCADE DEFERRABLE);
