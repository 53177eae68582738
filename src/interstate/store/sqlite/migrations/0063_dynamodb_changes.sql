-- What items were before they changed, for tables with point-in-time recovery and while a copy of a table is made.
CREATE TABLE item_changes (
    id             INTEGER PRIMARY KEY,
    table_id       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,
    before         BLOB,                 -- JSON; NULL: there was no item
    size           INTEGER NOT NULL
) STRICT;

CREATE INDEX item_changes_by_item ON item_changes (table_id, partition_key, sort_key, id);
CREATE INDEX item_changes_by_age ON item_changes (table_id, id);

-- Copies of tables. A copy's items lie in items, under its own number.
CREATE TABLE item_backups (
    arn         TEXT PRIMARY KEY,
    number      INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    table_arn   TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,           -- USER, SYSTEM
    status      TEXT NOT NULL,           -- CREATING, AVAILABLE
    created     INTEGER NOT NULL,
    expires     INTEGER,
    definition  TEXT NOT NULL,           -- JSON, the table as it was
    items       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX item_backups_by_scope ON item_backups (scope, arn);

-- Exports to and imports from buckets.
CREATE TABLE item_transfers (
    arn        TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,            -- EXPORT, IMPORT
    scope      TEXT NOT NULL,            -- account/region
    table_arn  TEXT NOT NULL,
    token      TEXT NOT NULL,
    request    BLOB NOT NULL,            -- a digest
    started    INTEGER NOT NULL,
    ended      INTEGER,
    status     TEXT NOT NULL,            -- IN_PROGRESS, COMPLETED, FAILED
    details    TEXT NOT NULL             -- JSON, what the API describes
) STRICT, WITHOUT ROWID;

CREATE INDEX item_transfers_by_scope ON item_transfers (scope, kind, arn);
CREATE INDEX item_transfers_by_token ON item_transfers (scope, kind, token);
