-- Connections (what an API destination authorizes with), API destinations, and the calls that wait for their turn.
CREATE TABLE events_connections (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,               -- account/region
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    secret_arn TEXT NOT NULL,
    shown TEXT NOT NULL,               -- JSON: AuthParameters as they are described, without secrets
    sealed BLOB NOT NULL,              -- AuthParameters as they were given, encrypted
    token BLOB,                        -- the access token, encrypted
    token_until INTEGER,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    authorized INTEGER,
    reason TEXT,
    description TEXT,
    kms_key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_connections_of_scope ON events_connections (scope, name);

CREATE TABLE events_api_destinations (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    connection TEXT NOT NULL,          -- ARN
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    rate INTEGER NOT NULL,             -- calls a second
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_api_destinations_of_scope ON events_api_destinations (scope, name);

-- How many calls of a destination are under way, and when its rate allows the next.
CREATE TABLE events_api_flows (
    destination TEXT NOT NULL PRIMARY KEY,
    in_flight INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    spent_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events_api_waiting (
    id INTEGER PRIMARY KEY,            -- in order of arrival
    destination TEXT NOT NULL,
    body BLOB NOT NULL                 -- JSON of the call
) STRICT;
CREATE INDEX events_api_waiting_of ON events_api_waiting (destination, id);
