-- Due work: every wait, retry, delivery and effect is one row here until it is done (design, law 5).
--
-- A row's life: written by work.later; a step (lane 0) is deleted in the commit that did it; an effect waits in lane 1,
-- is moved to lane 2 while it is being performed, and is deleted in the commit that took its result. After a crash every
-- row of lane 2 goes back to lane 1: the effect is performed again under the same key, which is the row's id.
CREATE TABLE due (
    id      INTEGER PRIMARY KEY,          -- in order of creation
    lane    INTEGER NOT NULL,             -- 0 step, 1 effect waiting, 2 effect in flight
    due_at  INTEGER NOT NULL,             -- microseconds since the epoch, business time
    pulls   INTEGER NOT NULL,             -- 0: sweeps and recurring schedules, which never pull a virtual clock
    kind    TEXT NOT NULL,
    tries   INTEGER NOT NULL,             -- how often a bug of ours made the step fail
    body    BLOB NOT NULL                 -- JSON of the kind's body
) STRICT;

-- Serves the driver: what of a lane is due, oldest first.
CREATE INDEX due_by_time ON due (lane, due_at, id);

-- Settings of the instance that survive a restart: the business clock's mode and offset.
CREATE TABLE settings (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
