-- Executions that are redriven, and those that run under a test case of the mock configuration.

ALTER TABLE states_executions ADD COLUMN redrive_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states_executions ADD COLUMN redriven INTEGER;
ALTER TABLE states_executions ADD COLUMN redrive_tokens TEXT NOT NULL DEFAULT '[]';
ALTER TABLE states_executions ADD COLUMN mock_case TEXT NOT NULL DEFAULT '';

-- The mock configuration file that the server was started with: one row, or none.
CREATE TABLE states_mock_configuration (
    name TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
