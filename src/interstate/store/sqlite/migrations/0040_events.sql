-- EventBridge: buses with their rules and targets, archives and replays.
--
-- A bus's revision changes with everything that decides where its events go, so that compiled rules are kept in memory
-- until it does. The default bus of an account and region has a row from its first rule or archive on.

CREATE TABLE events_buses (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,               -- account/region
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    created INTEGER,
    modified INTEGER,
    description TEXT,
    kms_key TEXT,
    dead_letter_arn TEXT,
    log_config TEXT,                   -- JSON
    policy TEXT,                       -- JSON
    tags TEXT NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX events_buses_of_scope ON events_buses (scope, name);

CREATE TABLE events_rules (
    arn TEXT NOT NULL PRIMARY KEY,
    bus TEXT NOT NULL,                 -- ARN
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_by TEXT NOT NULL,
    pattern TEXT,                      -- as it was given
    schedule TEXT,
    schedule_due INTEGER,              -- the due row of the next firing
    description TEXT,
    role_arn TEXT,
    tags TEXT NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX events_rules_of_bus ON events_rules (bus, name);

CREATE TABLE events_targets (
    rule TEXT NOT NULL,                -- ARN
    id TEXT NOT NULL,
    bus TEXT NOT NULL,                 -- ARN
    rule_name TEXT NOT NULL,
    arn TEXT NOT NULL,
    members TEXT NOT NULL,             -- JSON: the target as it was given
    PRIMARY KEY (rule, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_targets_of_bus ON events_targets (bus, rule, id);
CREATE INDEX events_targets_by_arn ON events_targets (bus, arn, rule_name);

CREATE TABLE events_archives (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    bus TEXT NOT NULL,                 -- ARN
    id INTEGER NOT NULL,               -- names the archive in its events
    created INTEGER NOT NULL,
    retention_days INTEGER NOT NULL,   -- 0 keeps for ever
    event_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    description TEXT,
    pattern TEXT,
    kms_key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_archives_of_scope ON events_archives (scope, name);
CREATE INDEX events_archives_of_bus ON events_archives (bus, name);

CREATE TABLE events_archived (
    id INTEGER PRIMARY KEY,            -- in order of arrival
    archive INTEGER NOT NULL,
    at INTEGER NOT NULL,               -- the time that the event carries
    size_bytes INTEGER NOT NULL,
    body BLOB NOT NULL                 -- JSON of the event
) STRICT;
-- Serves replays and the retention sweep.
CREATE INDEX events_archived_by_time ON events_archived (archive, at, id);

CREATE TABLE events_replays (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    archive TEXT NOT NULL,             -- ARN
    bus TEXT NOT NULL,                 -- ARN
    rules TEXT NOT NULL,               -- JSON: ARNs; empty for all rules of the bus
    first INTEGER NOT NULL,            -- EventStartTime
    last INTEGER NOT NULL,             -- EventEndTime
    state TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    reached INTEGER,                   -- the time of the event replayed last
    reached_id INTEGER NOT NULL,       -- its row
    description TEXT,
    reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_replays_of_scope ON events_replays (scope, name);

-- How deliveries of a rule ended that did not reach their target; successes are not counted one by one.
CREATE TABLE events_failures (
    rule TEXT NOT NULL,                -- ARN
    metric TEXT NOT NULL,              -- AWS's name
    count INTEGER NOT NULL,
    PRIMARY KEY (rule, metric)
) STRICT, WITHOUT ROWID;
