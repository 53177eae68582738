-- What addresses of code are signed with; one row.
CREATE TABLE lambda_code_keys (
    name TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
