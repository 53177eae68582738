-- Stacks are few and large; all of this is written by deploys only.
CREATE TABLE cloudformation_stacks (
    arn           TEXT PRIMARY KEY,
    scope         TEXT NOT NULL,       -- account/region
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    original      TEXT NOT NULL,
    template      TEXT NOT NULL,
    reason        TEXT,
    description   TEXT,
    given         TEXT NOT NULL,       -- JSON
    capabilities  TEXT NOT NULL,       -- JSON
    tags          TEXT NOT NULL,       -- JSON
    outputs       TEXT NOT NULL,       -- JSON
    role_arn      TEXT,
    change_set    TEXT,
    protected     INTEGER NOT NULL,
    updated       INTEGER,
    deleted       INTEGER
) STRICT;

CREATE INDEX cloudformation_stacks_by_age ON cloudformation_stacks (scope, created, arn);

-- The stack that has a name now; deleted stacks have given theirs back.
CREATE TABLE cloudformation_stack_names (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    arn    TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE cloudformation_resources (
    stack            TEXT NOT NULL,
    logical_id       TEXT NOT NULL,
    type             TEXT NOT NULL,
    physical_id      TEXT NOT NULL,
    reference        TEXT NOT NULL,
    properties       TEXT NOT NULL,    -- JSON
    attributes       TEXT NOT NULL,    -- JSON
    needs            TEXT NOT NULL,    -- JSON
    status           TEXT NOT NULL,
    updated          INTEGER NOT NULL,
    deletion_policy  TEXT NOT NULL,
    replace_policy   TEXT NOT NULL,
    metadata         TEXT NOT NULL,    -- JSON
    PRIMARY KEY (stack, logical_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX cloudformation_resources_by_physical_id ON cloudformation_resources (physical_id, stack, logical_id);

CREATE TABLE cloudformation_events (
    id           INTEGER PRIMARY KEY,
    stack        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    logical_id   TEXT NOT NULL,
    physical_id  TEXT NOT NULL,
    type         TEXT NOT NULL,
    status       TEXT NOT NULL,
    reason       TEXT,
    token        TEXT
) STRICT;

CREATE INDEX cloudformation_events_of_stack ON cloudformation_events (stack, id);

CREATE TABLE cloudformation_exports (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    stack  TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX cloudformation_exports_of_stack ON cloudformation_exports (stack, name);

CREATE TABLE cloudformation_imports (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    stack  TEXT NOT NULL,
    PRIMARY KEY (scope, name, stack)
) STRICT, WITHOUT ROWID;

CREATE INDEX cloudformation_imports_of_stack ON cloudformation_imports (stack, name);

CREATE TABLE cloudformation_change_sets (
    arn               TEXT PRIMARY KEY,
    scope             TEXT NOT NULL,
    stack             TEXT NOT NULL,
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    status            TEXT NOT NULL,
    execution_status  TEXT NOT NULL,
    created           INTEGER NOT NULL,
    original          TEXT NOT NULL,
    template          TEXT NOT NULL,
    given             TEXT NOT NULL,   -- JSON
    capabilities      TEXT NOT NULL,   -- JSON
    tags              TEXT,            -- JSON
    changes           TEXT NOT NULL,   -- JSON
    reason            TEXT,
    description       TEXT,
    role_arn          TEXT
) STRICT;

CREATE INDEX cloudformation_change_sets_of_stack ON cloudformation_change_sets (stack, arn);
