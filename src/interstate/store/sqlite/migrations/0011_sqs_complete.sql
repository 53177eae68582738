-- FIFO queues: a message's group and deduplication id; on standard queues the group is kept and shown.
ALTER TABLE messages ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN deduplication_id TEXT NOT NULL DEFAULT '';
-- The latest receive: its visibility ends twelve hours after it at most.
ALTER TABLE messages ADD COLUMN received_at INTEGER;

-- The deduplication scope that a change replaced stays in force for a minute; messages up to purged_to were purged.
ALTER TABLE queues ADD COLUMN scope_before TEXT NOT NULL DEFAULT '';
ALTER TABLE queues ADD COLUMN scope_changed INTEGER;
ALTER TABLE queues ADD COLUMN purged_to INTEGER NOT NULL DEFAULT 0;

-- The claim's index tells delayed messages from those in flight without a look at the rows.
DROP INDEX messages_by_visibility;
CREATE INDEX messages_by_visibility ON messages (queue_id, visible_at, id, receive_count);
-- Serves the claim of a group: its messages in the order of sending.
CREATE INDEX messages_by_group ON messages (queue_id, group_id, id) WHERE group_id <> '';

-- How many messages a queue has, so that a depth costs the same whatever the depth.
CREATE TABLE queue_depths (
    queue_id   INTEGER PRIMARY KEY,
    messages   INTEGER NOT NULL,
    claimed    INTEGER NOT NULL,     -- at least as many as are in flight
    forget_at  INTEGER               -- when a step forgets old deduplication ids; NULL: no such step waits
) STRICT;
INSERT INTO queue_depths (queue_id, messages, claimed, forget_at)
    SELECT q.id, (SELECT count(*) FROM messages AS m WHERE m.queue_id = q.id), 0, NULL FROM queue_ids AS q;

-- The groups of FIFO queues that have messages: a claim locks the group's row, then takes its first messages.
CREATE TABLE message_groups (
    queue_id  INTEGER NOT NULL,
    group_id  TEXT NOT NULL,
    ready_at  INTEGER NOT NULL,      -- its first message is not visible before
    head      INTEGER NOT NULL,      -- no message of it has a lower number
    PRIMARY KEY (queue_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_groups_by_readiness ON message_groups (queue_id, ready_at, head);

-- What was sent in the last five minutes; scope is the group, or empty for the whole queue.
CREATE TABLE deduplications (
    queue_id    INTEGER NOT NULL,
    scope       TEXT NOT NULL,
    id          TEXT NOT NULL,
    message     INTEGER NOT NULL,    -- its number
    message_id  TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    PRIMARY KEY (queue_id, scope, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deduplications_by_age ON deduplications (queue_id, expires);

-- What a receive with an attempt id gave out, for the same receive again.
CREATE TABLE receive_attempts (
    queue_id  INTEGER NOT NULL,
    id        TEXT NOT NULL,
    messages  TEXT NOT NULL,         -- JSON: number and receipt of each
    expires   INTEGER NOT NULL,
    PRIMARY KEY (queue_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX receive_attempts_by_age ON receive_attempts (queue_id, expires);

-- Names that may not be used again for a minute.
CREATE TABLE deleted_queues (
    arn      TEXT PRIMARY KEY,
    deleted  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE message_move_tasks (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL,
    source       TEXT NOT NULL,
    destination  TEXT NOT NULL,      -- empty: each message to the queue that it came from
    rate         INTEGER NOT NULL,   -- messages a second; 0: as fast as it goes
    status       TEXT NOT NULL,
    moved        INTEGER NOT NULL,
    to_move      INTEGER NOT NULL,
    started      INTEGER NOT NULL,
    failure      TEXT NOT NULL
) STRICT;
CREATE INDEX message_move_tasks_by_source ON message_move_tasks (source, number);
