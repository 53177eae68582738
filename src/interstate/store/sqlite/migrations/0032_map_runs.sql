-- Map Runs: what a distributed Map is doing.
--
-- The row of a run changes with every child, so it is small; what never changes (input, context, items) stands beside it. A child is
-- an execution whose machine_id is the run's number, negated: lists of a run's executions use the index of a machine's.
-- The result of a child is kept until the run ends, then gathered in order of the children's numbers.

CREATE TABLE states_map_runs (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL,
    execution INTEGER NOT NULL,
    execution_arn TEXT NOT NULL,
    frame INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    state TEXT NOT NULL,
    machine TEXT NOT NULL,
    express INTEGER NOT NULL,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    stopped INTEGER,
    concurrency INTEGER NOT NULL,
    tolerated_count INTEGER,
    tolerated_percentage REAL,
    cursor TEXT NOT NULL,
    counts TEXT NOT NULL,
    scheduled INTEGER NOT NULL,
    error TEXT,
    cause TEXT,
    writing TEXT NOT NULL
) STRICT;
CREATE INDEX states_map_runs_of_execution ON states_map_runs (execution, id);

CREATE TABLE states_map_run_arns (
    arn TEXT NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE states_map_sources (
    run INTEGER PRIMARY KEY,
    setup TEXT NOT NULL
) STRICT;

CREATE TABLE states_map_results (
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    child INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, child)
) STRICT, WITHOUT ROWID;
CREATE INDEX states_map_results_by_kind ON states_map_results (run, kind, child);
