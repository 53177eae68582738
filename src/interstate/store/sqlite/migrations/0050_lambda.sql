-- Functions: one row for what belongs to the function, one for each version of its code and configuration.

CREATE TABLE lambda_functions (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    next_version INTEGER NOT NULL,
    reserved_concurrency INTEGER,
    tags TEXT NOT NULL,
    created INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_functions_of_scope ON lambda_functions (scope, name);

CREATE TABLE lambda_versions (
    function TEXT NOT NULL,
    version TEXT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    runtime TEXT NOT NULL,
    role TEXT NOT NULL,
    handler TEXT NOT NULL,
    code TEXT NOT NULL,
    code_sha256 TEXT NOT NULL,
    code_size INTEGER NOT NULL,
    description TEXT NOT NULL,
    timeout_s INTEGER NOT NULL,
    memory_mb INTEGER NOT NULL,
    ephemeral_mb INTEGER NOT NULL,
    environment TEXT NOT NULL,
    layers TEXT NOT NULL,
    architecture TEXT NOT NULL,
    revision TEXT NOT NULL,
    modified INTEGER NOT NULL,
    dead_letter_arn TEXT,
    kms_key_arn TEXT,
    tracing TEXT NOT NULL,
    log_group TEXT NOT NULL,
    log_format TEXT NOT NULL,
    further TEXT NOT NULL,
    PRIMARY KEY (function, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_versions_by_number ON lambda_versions (function, number);

CREATE INDEX lambda_versions_by_code ON lambda_versions (code);

-- Uploaded zips, each once; workers unpack them into a cache.
CREATE TABLE lambda_code (
    sha256 TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE lambda_aliases (
    function TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    description TEXT NOT NULL,
    weights TEXT NOT NULL,
    revision TEXT NOT NULL,
    PRIMARY KEY (function, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_event_invoke_configs (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    modified INTEGER NOT NULL,
    retries INTEGER,
    age_s_max INTEGER,
    on_success TEXT,
    on_failure TEXT,
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_provisioned (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    requested INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_policies (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    statements TEXT NOT NULL,
    revision TEXT NOT NULL,
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_layers (
    layer TEXT NOT NULL,
    version INTEGER NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    code_sha256 TEXT NOT NULL,
    code_size INTEGER NOT NULL,
    description TEXT NOT NULL,
    runtimes TEXT NOT NULL,
    architectures TEXT NOT NULL,
    license_info TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (layer, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_layers_by_code ON lambda_layers (code);
CREATE INDEX lambda_layers_of_scope ON lambda_layers (scope, layer, version DESC);

-- Event source mappings; a queue that is read finds its mappings by one key.

CREATE TABLE lambda_mappings (
    uuid TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    source TEXT NOT NULL,
    function TEXT NOT NULL,
    qualifier TEXT,
    batch_size INTEGER NOT NULL,
    window_s INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    report_items INTEGER NOT NULL,
    concurrency_max INTEGER,
    filters TEXT NOT NULL,
    modified INTEGER NOT NULL,
    result TEXT NOT NULL,
    tags TEXT NOT NULL,
    window_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_mappings_of_scope ON lambda_mappings (scope, uuid);
CREATE INDEX lambda_mappings_of_source ON lambda_mappings (source, uuid);
CREATE INDEX lambda_mappings_of_function ON lambda_mappings (function, uuid);

CREATE TABLE lambda_mapped_queues (
    queue TEXT NOT NULL PRIMARY KEY,
    mappings TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_batches (
    mapping TEXT NOT NULL,
    request_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (mapping, request_id)
) STRICT, WITHOUT ROWID;
