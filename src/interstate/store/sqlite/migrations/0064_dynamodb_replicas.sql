-- When and where an item of a global table was written last; kept for deleted items too.
CREATE TABLE item_versions (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,
    at             INTEGER NOT NULL,
    region         TEXT NOT NULL,
    PRIMARY KEY (table_id, partition_key, sort_key)
) STRICT, WITHOUT ROWID;

-- Policies of tables and streams.
CREATE TABLE item_policies (
    arn       TEXT PRIMARY KEY,
    policy    TEXT NOT NULL,             -- JSON, as it was given
    revision  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is left of provisioned units, where they are enforced.
CREATE TABLE item_throughputs (
    id     INTEGER PRIMARY KEY,          -- of the table or index
    read   REAL NOT NULL,
    write  REAL NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
