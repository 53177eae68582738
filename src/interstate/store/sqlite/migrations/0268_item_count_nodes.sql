-- Two nodes may decide at the very same microsecond: each appends a row of its own to a table's count.
CREATE TABLE item_count_deltas_of_nodes (
    number  INTEGER NOT NULL,            -- of the table or index
    at      INTEGER NOT NULL,            -- the batch's instant
    node    INTEGER NOT NULL DEFAULT 0,
    items   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (number, at, node)
) STRICT, WITHOUT ROWID;
INSERT INTO item_count_deltas_of_nodes (number, at, items, bytes) SELECT number, at, items, bytes FROM item_count_deltas;
DROP TABLE item_count_deltas;
ALTER TABLE item_count_deltas_of_nodes RENAME TO item_count_deltas;
