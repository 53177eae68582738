-- How many batches of its queue a mapping may have in hand at once; no row: as many as at the beginning.
CREATE TABLE lambda_paces (
    mapping TEXT NOT NULL PRIMARY KEY,
    level INTEGER NOT NULL,
    held_until INTEGER,                  -- it does not grow before
    look_at INTEGER                      -- a look whether it may grow is due then
) STRICT, WITHOUT ROWID;

-- A throttled batch is tried again while its messages are hidden.
ALTER TABLE lambda_batches ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
