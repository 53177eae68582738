-- A series is told by each node that measures it: who measures something new never waits for another node that does so, too.
CREATE TABLE metric_series_told (
    id          INTEGER NOT NULL,         -- from the hash of all that names it: the same on every node
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    name        TEXT NOT NULL,
    dimensions  TEXT NOT NULL,            -- JSON: [["RuleName", "placed"], ...], sorted by name
    unit        TEXT NOT NULL,
    PRIMARY KEY (id, node)
) STRICT;
INSERT INTO metric_series_told (id, node, account, region, namespace, name, dimensions, unit)
    SELECT id, 0, account, region, namespace, name, dimensions, unit FROM metric_series;
DROP TABLE metric_series;
ALTER TABLE metric_series_told RENAME TO metric_series;
CREATE INDEX metric_series_by_name ON metric_series (account, region, namespace, name, id, node);
