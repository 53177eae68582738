-- Long texts of executions (inputs, data of frames, variables), so that a step neither reads nor writes again what it does not need.
CREATE TABLE states_texts (
    id INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- The rows of states_texts; 0 where a text is short and stands in its column, as all did before.
ALTER TABLE states_executions ADD COLUMN input_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_frames ADD COLUMN data_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_variables ADD COLUMN value_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_variables ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
