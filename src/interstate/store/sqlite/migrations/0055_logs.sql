-- Log groups and streams. Events lie in chunks, as they were written: one row a call, not one an event.

CREATE TABLE log_groups (
    arn TEXT NOT NULL PRIMARY KEY,
    id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    tags TEXT NOT NULL,
    retention_days INTEGER,
    kms_key_id TEXT,
    log_class TEXT NOT NULL,
    sweep INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX log_groups_of_scope ON log_groups (scope, name);

CREATE TABLE log_group_ids (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL
) STRICT;

CREATE TABLE log_streams (
    group_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    ingested INTEGER,
    stored_bytes INTEGER NOT NULL,
    PRIMARY KEY (group_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_streams_by_time ON log_streams (group_id, coalesce(last_at, 0), name);

CREATE TABLE log_chunks (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    stream TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    ingested INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    events TEXT NOT NULL
) STRICT;
CREATE INDEX log_chunks_of_group ON log_chunks (group_id, first_at, id);
CREATE INDEX log_chunks_of_stream ON log_chunks (group_id, stream, first_at, id);
