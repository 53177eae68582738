-- How far an account and region has spent a rate, where rates are enforced: each node spends a share of its own.
-- (What was spent before this file is forgotten: it is a second's worth.)
DROP TABLE events_rates;
CREATE TABLE rates (
    scope       TEXT NOT NULL,            -- account/region
    name        TEXT NOT NULL,
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    spent_until INTEGER NOT NULL,
    sharers     INTEGER NOT NULL,         -- nodes that spent of this rate when they were counted
    counted_at  INTEGER NOT NULL,
    PRIMARY KEY (scope, name, node)
) STRICT, WITHOUT ROWID;
