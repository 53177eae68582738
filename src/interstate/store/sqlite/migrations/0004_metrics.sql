-- What services measure (CloudWatch's metrics): a series once, and one row a series, minute and node.
--
-- A point is written in the commit of what it measures, added to what the minute has already. Points are swept after 15
-- days, as CloudWatch keeps points of a minute.
CREATE TABLE metric_series (
    id          INTEGER PRIMARY KEY,      -- from the hash of all that names it: the same on every node
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    name        TEXT NOT NULL,
    dimensions  TEXT NOT NULL,            -- JSON: [["RuleName", "placed"], ...], sorted by name
    unit        TEXT NOT NULL
) STRICT;

CREATE INDEX metric_series_by_name ON metric_series (account, region, namespace, name, id);

CREATE TABLE metric_points (
    series      INTEGER NOT NULL,
    minute      INTEGER NOT NULL,         -- its beginning, microseconds since the epoch, business time
    node        INTEGER NOT NULL,         -- who counted: nodes of one database never write the same row
    samples     REAL NOT NULL,
    total       REAL NOT NULL,
    low         REAL NOT NULL,
    high        REAL NOT NULL,
    PRIMARY KEY (series, minute, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX metric_points_by_age ON metric_points (minute);
