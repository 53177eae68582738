-- Streams of tables, those that were turned off too: they are read for another day.
CREATE TABLE item_streams (
    arn         TEXT PRIMARY KEY,
    id          INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    table_name  TEXT NOT NULL,
    label       TEXT NOT NULL,
    view        TEXT NOT NULL,
    key         TEXT NOT NULL,           -- JSON, the table's key
    created     INTEGER NOT NULL,
    first       INTEGER NOT NULL,        -- the sequence number before the first record's
    last        INTEGER,                 -- the one behind the last record's, when it was turned off
    disabled    INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX item_streams_by_table ON item_streams (scope, table_name, arn);

-- What happened to items. The number is the sequence number, in order of the commits.
CREATE TABLE stream_records (
    id         INTEGER PRIMARY KEY,
    stream_id  INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,            -- INSERT, MODIFY, REMOVE
    keys       BLOB NOT NULL,            -- JSON
    old        BLOB,                     -- JSON
    new        BLOB,                     -- JSON
    size       INTEGER NOT NULL,
    expired    INTEGER NOT NULL          -- by its time to live
) STRICT;

CREATE INDEX stream_records_by_stream ON stream_records (stream_id, id);
