-- What one batch added to a table's or index's count and is not folded into it yet: batches share no row.
CREATE TABLE item_count_deltas (
    number  INTEGER NOT NULL,            -- of the table or index
    at      INTEGER NOT NULL,            -- the batch's instant
    items   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (number, at)
) STRICT, WITHOUT ROWID;

-- How much the items of one partition key hold together, in tables with local indexes.
CREATE TABLE item_collections (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    bytes          INTEGER NOT NULL,     -- of the items and their entries in local indexes
    PRIMARY KEY (table_id, partition_key)
) STRICT, WITHOUT ROWID;
