-- Queues are found by ARN; their messages carry the queue's number.
CREATE TABLE queues (
    arn         TEXT PRIMARY KEY,
    id          INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    name        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    attributes  TEXT NOT NULL,           -- JSON
    tags        TEXT NOT NULL,           -- JSON
    purged      INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX queues_by_name ON queues (scope, name);

CREATE TABLE queue_ids (
    id   INTEGER PRIMARY KEY,
    arn  TEXT NOT NULL
) STRICT;

-- A message's life is told in core/queues/message.py.
CREATE TABLE messages (
    id                 INTEGER PRIMARY KEY,   -- in order of sending
    queue_id           INTEGER NOT NULL,
    visible_at         INTEGER NOT NULL,
    sent_at            INTEGER NOT NULL,
    message_id         TEXT NOT NULL,
    body               TEXT NOT NULL,
    body_md5           TEXT NOT NULL,
    attributes         TEXT,                  -- JSON
    system_attributes  TEXT,                  -- JSON
    receive_count      INTEGER NOT NULL,
    first_received_at  INTEGER,
    receipt            TEXT NOT NULL
) STRICT;

-- Serves receives: a claim reads its first rows, whatever the backlog.
CREATE INDEX messages_by_visibility ON messages (queue_id, visible_at, id);
-- Serves the retention sweep.
CREATE INDEX messages_by_age ON messages (queue_id, sent_at);
