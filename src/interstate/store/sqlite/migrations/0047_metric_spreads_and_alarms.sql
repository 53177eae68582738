-- How the values of a minute are spread, for percentiles: JSON, [[value, how often], ...]; empty where nothing needs it.
ALTER TABLE metric_points ADD COLUMN spread TEXT NOT NULL DEFAULT '[]';

CREATE TABLE metric_alarms (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,                  -- account/region
    name TEXT NOT NULL,
    members TEXT NOT NULL,                -- JSON: what PutMetricAlarm was given
    updated INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_data TEXT NOT NULL,
    state_updated INTEGER NOT NULL,
    state_changed INTEGER NOT NULL,
    revision INTEGER NOT NULL,            -- the due row of another revision ends
    actions_enabled INTEGER NOT NULL,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_alarms_of_scope ON metric_alarms (scope, name);

CREATE TABLE metric_alarm_history (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX metric_alarm_history_of_scope ON metric_alarm_history (scope, id);
CREATE INDEX metric_alarm_history_of_alarm ON metric_alarm_history (scope, name, id);
CREATE INDEX metric_alarm_history_by_age ON metric_alarm_history (at);
