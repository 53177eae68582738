-- The row of a FIFO queue's group lists the numbers of its messages, in order, as text; what was put aside lies in parts. A send
-- writes the rows of its groups, which lie close together; an index over all messages had as many pages to write as groups.
CREATE TABLE message_group_parts (
    queue_id  INTEGER NOT NULL,
    group_id  TEXT NOT NULL,
    first     INTEGER NOT NULL,      -- where it began when it was put aside; parts are read in this order
    last      INTEGER NOT NULL,
    numbers   TEXT NOT NULL,         -- with a space between
    PRIMARY KEY (queue_id, group_id, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_group_parts_by_last ON message_group_parts (queue_id, last);
INSERT INTO message_group_parts (queue_id, group_id, first, last, numbers)
    SELECT m.queue_id, m.group_id, m.id, m.id, CAST(m.id AS TEXT) FROM messages AS m
    JOIN message_groups AS g ON g.queue_id = m.queue_id AND g.group_id = m.group_id WHERE m.group_id <> '';

ALTER TABLE message_groups ADD COLUMN waiting TEXT NOT NULL DEFAULT '';
ALTER TABLE message_groups ADD COLUMN has_parts INTEGER NOT NULL DEFAULT 0;
UPDATE message_groups SET has_parts = 1;
DROP INDEX messages_by_group;
