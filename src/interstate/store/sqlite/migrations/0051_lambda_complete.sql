-- What a version is turning into ("Creating", "Updating") until its code lies ready.
ALTER TABLE lambda_versions ADD COLUMN becoming TEXT NOT NULL DEFAULT '';
ALTER TABLE lambda_functions ADD COLUMN recursion TEXT NOT NULL DEFAULT 'Terminate';
ALTER TABLE lambda_functions ADD COLUMN code_signing TEXT;
CREATE INDEX lambda_functions_by_code_signing ON lambda_functions (code_signing, arn);

-- How far a provisioned configuration is.
ALTER TABLE lambda_provisioned ADD COLUMN status TEXT NOT NULL DEFAULT 'READY';
ALTER TABLE lambda_provisioned ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- Addresses of functions; one for the function, one for each alias that has one.
CREATE TABLE lambda_urls (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,             -- "" for the function itself
    url_id TEXT NOT NULL,
    auth TEXT NOT NULL,
    invoke_mode TEXT NOT NULL,
    cors TEXT,                           -- JSON
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lambda_urls_by_id ON lambda_urls (url_id);

CREATE TABLE lambda_code_signing (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT NOT NULL,
    publishers TEXT NOT NULL,            -- JSON
    policy TEXT NOT NULL,
    modified INTEGER NOT NULL,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_code_signing_of_scope ON lambda_code_signing (scope, arn);

-- What only mappings from streams have; JSON, NULL for queues. And who reads what as which table's stream.
ALTER TABLE lambda_mappings ADD COLUMN stream TEXT;
ALTER TABLE lambda_mappings ADD COLUMN metrics TEXT NOT NULL DEFAULT '[]';

-- The shard of a stream as a mapping reads it: one row a lane (ParallelizationFactor).
CREATE TABLE lambda_lanes (
    mapping TEXT NOT NULL,
    lane INTEGER NOT NULL,
    after INTEGER NOT NULL,              -- everything of this lane up to this record is done
    busy INTEGER NOT NULL,               -- a call is under way
    awake INTEGER NOT NULL,              -- a look at the stream is due
    pending TEXT NOT NULL,               -- JSON: parts of a batch that are tried again
    until INTEGER,                       -- the batch that is being gathered goes out then
    window INTEGER,                      -- the tumbling window that is open began then
    state TEXT NOT NULL,                 -- JSON: its state
    PRIMARY KEY (mapping, lane)
) STRICT, WITHOUT ROWID;

-- The version that a layer's next publication gets: numbers are not given out again, whatever was deleted.
CREATE TABLE lambda_layer_numbers (
    layer TEXT NOT NULL PRIMARY KEY,
    next_version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO lambda_layer_numbers (layer, next_version) SELECT layer, MAX(version) + 1 FROM lambda_layers GROUP BY layer;
