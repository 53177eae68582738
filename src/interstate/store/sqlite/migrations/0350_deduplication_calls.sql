-- Deduplication ids are forgotten call by call: one row a call says which it left, in the place of an index over all of them by age.
CREATE TABLE deduplication_calls (
    queue_id  INTEGER NOT NULL,
    first     INTEGER NOT NULL,      -- its first message
    expires   INTEGER NOT NULL,
    ids       TEXT NOT NULL,         -- scope and id of each, with a space between
    PRIMARY KEY (queue_id, first)
) STRICT, WITHOUT ROWID;
INSERT INTO deduplication_calls (queue_id, first, expires, ids)
    SELECT queue_id, message, max(expires), max(scope || ' ' || id) FROM deduplications GROUP BY queue_id, message;
DROP INDEX deduplications_by_age;
