-- Variables of executions: one row each, so that a step writes what it assigned and nothing else. Frames count theirs, so that
-- those without (nearly all) read nothing.
CREATE TABLE states_variables (
    execution INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (execution, frame, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE states_frames ADD COLUMN variables INTEGER NOT NULL DEFAULT 0;
