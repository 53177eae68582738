-- Ids that follow each other (numbers, ids that begin with a time) lie side by side, whatever their groups are.
CREATE TABLE deduplications_by_id (
    queue_id    INTEGER NOT NULL,
    id          TEXT NOT NULL,
    scope       TEXT NOT NULL,
    message     INTEGER NOT NULL,    -- its number
    message_id  TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    PRIMARY KEY (queue_id, id, scope)
) STRICT, WITHOUT ROWID;
INSERT INTO deduplications_by_id (queue_id, id, scope, message, message_id, expires)
    SELECT queue_id, id, scope, message, message_id, expires FROM deduplications;
DROP TABLE deduplications;
ALTER TABLE deduplications_by_id RENAME TO deduplications;
CREATE INDEX deduplications_by_age ON deduplications (queue_id, expires);
