-- How often an execution has asked the mocks of each of its states.
CREATE TABLE states_mock_calls (
    execution INTEGER NOT NULL,
    state TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (execution, state)
) STRICT, WITHOUT ROWID;
