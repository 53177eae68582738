-- Whether a look at a mapping's stream is due that a node left: a row that one node alone writes while it writes records,
-- so that nodes which write to one table never wait for each other. (The column lambda_lanes.awake is not used any more.)
CREATE TABLE lambda_wakes (
    mapping TEXT NOT NULL,
    node    INTEGER NOT NULL,            -- 0 where one process owns the store
    awake   INTEGER NOT NULL,
    PRIMARY KEY (mapping, node)
) STRICT, WITHOUT ROWID;
