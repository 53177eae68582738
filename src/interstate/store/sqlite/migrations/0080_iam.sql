-- Roles and managed policies; stored, not enforced.
CREATE TABLE roles (
    account               TEXT NOT NULL,
    name                  TEXT NOT NULL,
    arn                   TEXT NOT NULL,
    role_id               TEXT NOT NULL,
    path                  TEXT NOT NULL,
    created               INTEGER NOT NULL,
    trust_policy          TEXT NOT NULL,
    description           TEXT NOT NULL,
    max_session_s         INTEGER NOT NULL,
    permissions_boundary  TEXT,
    inline_policies       TEXT NOT NULL,        -- JSON
    attached_policies     TEXT NOT NULL,        -- JSON
    tags                  TEXT NOT NULL,        -- JSON
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    arn              TEXT PRIMARY KEY,
    account          TEXT NOT NULL,
    name             TEXT NOT NULL,
    policy_id        TEXT NOT NULL,
    path             TEXT NOT NULL,
    created          INTEGER NOT NULL,
    updated          INTEGER NOT NULL,
    description      TEXT NOT NULL,
    default_version  INTEGER NOT NULL,
    last_version     INTEGER NOT NULL,
    attachments      INTEGER NOT NULL,
    versions         TEXT NOT NULL,             -- JSON
    tags             TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX policies_by_account ON policies (account, arn);
