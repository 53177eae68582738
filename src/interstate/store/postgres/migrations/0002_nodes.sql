-- Who shares this database: a row a running node, renewed every second by its lease.
--
-- A node draws the lowest free number; its due work is in the lanes 4 * number + {0, 1, 2}. The last statement of each of
-- its transactions looks for this row with its epoch: who was declared dead finds none and writes nothing any more.
CREATE TABLE nodes (
    number       INTEGER PRIMARY KEY,
    epoch        INTEGER NOT NULL,     -- drawn anew at every start: a number that is used again is not the same node
    name         TEXT NOT NULL,        -- host and process, for people
    address      TEXT NOT NULL,        -- where it answers
    role         TEXT NOT NULL,        -- 'all', 'api' or 'work'
    started      INTEGER NOT NULL,     -- microseconds since the epoch, the database's clock
    lease_until  INTEGER NOT NULL,
    backends     TEXT NOT NULL         -- JSON: its connections' process ids, ended by who takes over
);

CREATE INDEX nodes_by_lease ON nodes (lease_until);
