-- Tables of items are found by ARN; their items carry the table's number, so that a new table never sees old items.
CREATE TABLE item_tables (
    arn         TEXT PRIMARY KEY,
    scope       TEXT NOT NULL,           -- account/region
    name        TEXT NOT NULL,
    definition  TEXT NOT NULL,           -- JSON, core/tables/schema.py
    tags        TEXT NOT NULL            -- JSON
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX item_tables_by_name ON item_tables (scope, name);

-- Numbers of tables, indexes and streams.
CREATE TABLE item_table_ids (
    id   INTEGER PRIMARY KEY,
    arn  TEXT NOT NULL
) STRICT;

-- Keys are encoded (core/tables/keys.py) so that bytes sort as the values do.
CREATE TABLE items (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,        -- empty in a table without sort keys
    item           BLOB NOT NULL,        -- JSON, all attributes
    size           INTEGER NOT NULL,     -- as DynamoDB counts it
    expires_at     INTEGER,              -- seconds since the epoch, where the table has a time to live
    PRIMARY KEY (table_id, partition_key, sort_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX items_by_expiry ON items (table_id, expires_at) WHERE expires_at IS NOT NULL;

-- An entry holds the attributes that its index projects: a query reads nothing else.
CREATE TABLE index_entries (
    index_id        INTEGER NOT NULL,
    partition_key   BLOB NOT NULL,
    sort_key        BLOB NOT NULL,
    item_partition  BLOB NOT NULL,
    item_sort       BLOB NOT NULL,
    item            BLOB NOT NULL,       -- JSON
    size            INTEGER NOT NULL,
    PRIMARY KEY (index_id, partition_key, sort_key, item_partition, item_sort)
) STRICT, WITHOUT ROWID;

-- How much a table or an index holds.
CREATE TABLE item_counts (
    id     INTEGER PRIMARY KEY,          -- of the table or index
    items  INTEGER NOT NULL,
    bytes  INTEGER NOT NULL
) STRICT;

-- When the next item of a table expires, and the due row that waits for it.
CREATE TABLE item_expiries (
    table_id  INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    due_id    INTEGER NOT NULL
) STRICT;

-- Transactions that were done, so that a repeated one is not done again.
CREATE TABLE transaction_tokens (
    token     TEXT PRIMARY KEY,          -- account/region/token
    request   BLOB NOT NULL,             -- a digest
    until     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX transaction_tokens_by_age ON transaction_tokens (until);
