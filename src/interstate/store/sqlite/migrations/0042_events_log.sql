-- What came onto a bus, a row for the events of one call, and how each delivery of them went. Swept by age.
-- An event's id says in which row it stands (see core/events/numbers.py), so that neither needs an index by event.
CREATE TABLE events_log (
    id INTEGER PRIMARY KEY,            -- the position: in order of arrival
    bus TEXT NOT NULL,                 -- ARN
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body BLOB NOT NULL                 -- JSON: the events, in order
) STRICT;
CREATE INDEX events_log_of_bus ON events_log (bus, id);

CREATE TABLE events_attempts (
    id INTEGER PRIMARY KEY,            -- in order of happening
    log INTEGER NOT NULL,              -- the row of the event log
    places TEXT NOT NULL,              -- JSON: which of its events
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,                -- ARN
    target TEXT NOT NULL,              -- its id
    target_arn TEXT NOT NULL,
    outcome TEXT NOT NULL,             -- DELIVERED, AGAIN, SENT_TO_DLQ, DROPPED
    retries INTEGER NOT NULL,
    code TEXT,                         -- why it failed
    message TEXT,
    next_at INTEGER                    -- when it is tried again
) STRICT;
CREATE INDEX events_attempts_of_log ON events_attempts (log, id);

-- What sweeps by age: one row for each table that is swept, so that its next sweep is planned once.
CREATE TABLE events_sweeps (
    name TEXT NOT NULL PRIMARY KEY,
    planned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
