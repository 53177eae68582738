-- What each node has added to a queue's depth: a row that one node alone writes, so that nodes never wait for each other.
CREATE TABLE queue_counts (
    queue_id  INTEGER NOT NULL,
    node      INTEGER NOT NULL,      -- 0 where one process owns the store
    messages  INTEGER NOT NULL,      -- sent here less deleted here; the sum over nodes is the depth
    claimed   INTEGER NOT NULL,      -- the sum is at least what is in flight
    PRIMARY KEY (queue_id, node)
) STRICT, WITHOUT ROWID;
INSERT INTO queue_counts (queue_id, node, messages, claimed) SELECT queue_id, 0, messages, claimed FROM queue_depths;

-- Queues for which a step waits that forgets old deduplication ids.
CREATE TABLE queue_forgets (
    queue_id  INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL
) STRICT;
INSERT INTO queue_forgets (queue_id, at) SELECT queue_id, forget_at FROM queue_depths WHERE forget_at IS NOT NULL;
DROP TABLE queue_depths;
