-- Capacity providers of functions: kept and described.

CREATE TABLE lambda_capacity_providers (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    config TEXT NOT NULL,                -- JSON, as the API shows it
    modified INTEGER NOT NULL,
    tags TEXT NOT NULL                   -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_capacity_providers_of_scope ON lambda_capacity_providers (scope, arn);
