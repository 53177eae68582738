-- APIs of both generations. Serving reads three rows by key: the API, its stage, the stage's deployment.
CREATE TABLE apigateway_apis (
    id           TEXT PRIMARY KEY,
    scope        TEXT NOT NULL,        -- account/region
    kind         TEXT NOT NULL,        -- HTTP or REST
    name         TEXT NOT NULL,
    created      INTEGER NOT NULL,
    description  TEXT NOT NULL,
    version      TEXT NOT NULL,
    cors         TEXT,                 -- JSON
    tags         TEXT NOT NULL,        -- JSON
    disabled     INTEGER NOT NULL,
    settings     TEXT NOT NULL         -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX apigateway_apis_of_scope ON apigateway_apis (scope, kind, id);

CREATE TABLE apigateway_routes (
    api        TEXT NOT NULL,
    id         TEXT NOT NULL,
    key        TEXT NOT NULL,
    target     TEXT NOT NULL,
    operation  TEXT NOT NULL,
    PRIMARY KEY (api, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE apigateway_integrations (
    api              TEXT NOT NULL,
    id               TEXT NOT NULL,
    integration      TEXT NOT NULL,    -- JSON
    connection_type  TEXT NOT NULL,
    PRIMARY KEY (api, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE apigateway_resources (
    api     TEXT NOT NULL,
    id      TEXT NOT NULL,
    path    TEXT NOT NULL,
    part    TEXT NOT NULL,
    parent  TEXT,
    PRIMARY KEY (api, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE apigateway_methods (
    api          TEXT NOT NULL,
    resource     TEXT NOT NULL,
    method       TEXT NOT NULL,
    integration  TEXT,                 -- JSON
    settings     TEXT NOT NULL,        -- JSON
    PRIMARY KEY (api, resource, method)
) STRICT, WITHOUT ROWID;

CREATE TABLE apigateway_stages (
    api          TEXT NOT NULL,
    name         TEXT NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    deployment   TEXT,
    auto         INTEGER NOT NULL,
    variables    TEXT NOT NULL,        -- JSON
    description  TEXT NOT NULL,
    tags         TEXT NOT NULL,        -- JSON
    settings     TEXT NOT NULL,        -- JSON
    PRIMARY KEY (api, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE apigateway_deployments (
    api          TEXT NOT NULL,
    id           TEXT NOT NULL,
    created      INTEGER NOT NULL,
    routes       TEXT NOT NULL,        -- JSON
    description  TEXT NOT NULL,
    auto         INTEGER NOT NULL,
    PRIMARY KEY (api, id)
) STRICT, WITHOUT ROWID;
