-- How many executions and Map Runs of an account and region are open: what each node has begun less what ended there. A row that one
-- node alone writes, so that nodes never wait for each other; the sum over nodes is the number.
CREATE TABLE states_open (
    scope       TEXT NOT NULL,            -- account/region
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    executions  INTEGER NOT NULL,         -- of Standard machines, children of Map Runs among them
    map_runs    INTEGER NOT NULL,
    others      INTEGER NOT NULL,         -- executions of the other rows, when this node last looked
    looked_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, node)
) STRICT, WITHOUT ROWID;
INSERT INTO states_open (scope, node, executions, map_runs, others, looked_at)
    SELECT counted.scope, 0, SUM(counted.executions), SUM(counted.map_runs), 0, 0 FROM (
        SELECT m.scope AS scope, 1 AS executions, 0 AS map_runs
            FROM states_machines m JOIN states_executions e ON e.machine_id = m.id
            WHERE m.type = 'STANDARD' AND e.status = 'RUNNING'
        UNION ALL
        SELECT m.scope AS scope, 1 AS executions, 0 AS map_runs
            FROM states_map_runs r JOIN states_executions e ON e.machine_id = -r.id
            JOIN states_revisions v ON v.id = e.revision JOIN states_machines m ON m.arn = v.machine
            WHERE e.type = 'STANDARD' AND e.status = 'RUNNING'
        UNION ALL
        SELECT m.scope AS scope, 0 AS executions, 1 AS map_runs
            FROM states_map_runs r JOIN states_executions e ON e.id = r.execution
            JOIN states_revisions v ON v.id = e.revision JOIN states_machines m ON m.arn = v.machine
            WHERE r.status = 'RUNNING'
    ) counted
    GROUP BY counted.scope;

-- Nodes that might take an account's last places take this row first, one after the other.
CREATE TABLE states_last_places (
    scope       TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Map Runs that wait until fewer are open, the oldest first.
CREATE TABLE states_map_backlog (
    scope       TEXT NOT NULL,
    run         INTEGER NOT NULL,
    PRIMARY KEY (scope, run)
) STRICT, WITHOUT ROWID;
ALTER TABLE states_map_runs ADD COLUMN backlogged INTEGER NOT NULL DEFAULT 0;
