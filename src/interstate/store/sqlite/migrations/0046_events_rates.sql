-- How far ahead an account and region has spent a rate of EventBridge, where rates are enforced.
CREATE TABLE events_rates (
    scope TEXT NOT NULL,                  -- account/region
    name TEXT NOT NULL,
    spent_until INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
