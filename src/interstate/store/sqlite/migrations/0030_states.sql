-- State machines, their executions and what those did.
--
-- An execution touches few pages: its row twice (start, end), one frame row a step and branch, one history chunk a step.
-- History is keyed by order of creation, so that chunks of many executions fill pages side by side; the index is small.

CREATE TABLE states_machines (
    arn TEXT NOT NULL PRIMARY KEY,
    id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    next_version INTEGER NOT NULL,
    logging TEXT,
    tracing TEXT,
    encryption TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_machines_of_scope ON states_machines (scope, name);

CREATE TABLE states_revisions (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    created INTEGER NOT NULL,
    logging TEXT,
    tracing TEXT,
    encryption TEXT
) STRICT;
CREATE INDEX states_revisions_of_machine ON states_revisions (machine, id);

CREATE TABLE states_versions (
    arn TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_versions_of_machine ON states_versions (machine, number);

CREATE TABLE states_aliases (
    arn TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    routing TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_aliases_of_machine ON states_aliases (machine, name);

CREATE TABLE states_activities (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    encryption TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_activities_of_scope ON states_activities (scope, name);

CREATE TABLE states_activity_tasks (
    id INTEGER PRIMARY KEY,
    activity TEXT NOT NULL,
    token TEXT NOT NULL,
    input TEXT NOT NULL
) STRICT;
CREATE INDEX states_tasks_of_activity ON states_activity_tasks (activity, id);

CREATE TABLE states_executions (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL,
    machine TEXT NOT NULL,
    machine_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    revision INTEGER NOT NULL,
    role_arn TEXT NOT NULL,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    input TEXT NOT NULL,
    stopped INTEGER,
    output TEXT,
    error TEXT,
    cause TEXT,
    version_arn TEXT,
    alias_arn TEXT,
    trace_header TEXT,
    parent TEXT
) STRICT;
CREATE INDEX states_executions_of_machine ON states_executions (machine_id, id);
CREATE INDEX states_executions_by_status ON states_executions (machine_id, status, id);

-- What ended long ago is forgotten, oldest first.
CREATE INDEX states_executions_ended ON states_executions (type, stopped) WHERE stopped IS NOT NULL;

CREATE TABLE states_execution_arns (
    arn TEXT NOT NULL PRIMARY KEY,
    execution INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE states_frames (
    execution INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL,
    previous INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    entered_at INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    awaiting TEXT,
    retries TEXT NOT NULL,
    events INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    due TEXT NOT NULL,
    PRIMARY KEY (execution, frame)
) STRICT, WITHOUT ROWID;

CREATE TABLE states_history (
    id INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX states_history_of_execution ON states_history (execution, last);

CREATE TABLE states_sweeps (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
