-- What the migrations that are named at the end make of an empty database. Written by 'make schema', never by hand.
CREATE TABLE due (
    id      INTEGER PRIMARY KEY,          -- in order of creation
    lane    INTEGER NOT NULL,             -- 0 step, 1 effect waiting, 2 effect in flight
    due_at  INTEGER NOT NULL,             -- microseconds since the epoch, business time
    pulls   INTEGER NOT NULL,             -- 0: sweeps and recurring schedules, which never pull a virtual clock
    kind    TEXT NOT NULL,
    tries   INTEGER NOT NULL,             -- how often a bug of ours made the step fail
    body    BLOB NOT NULL                 -- JSON of the kind's body
) STRICT;
CREATE INDEX due_by_time ON due (lane, due_at, id);
CREATE TABLE settings (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE metric_points (
    series      INTEGER NOT NULL,
    minute      INTEGER NOT NULL,         -- its beginning, microseconds since the epoch, business time
    node        INTEGER NOT NULL,         -- who counted: nodes of one database never write the same row
    samples     REAL NOT NULL,
    total       REAL NOT NULL,
    low         REAL NOT NULL,
    high        REAL NOT NULL, spread TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (series, minute, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_points_by_age ON metric_points (minute);
CREATE TABLE queues (
    arn         TEXT PRIMARY KEY,
    id          INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    name        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    attributes  TEXT NOT NULL,           -- JSON
    tags        TEXT NOT NULL,           -- JSON
    purged      INTEGER
, scope_before TEXT NOT NULL DEFAULT '', scope_changed INTEGER, purged_to INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX queues_by_name ON queues (scope, name);
CREATE TABLE queue_ids (
    id   INTEGER PRIMARY KEY,
    arn  TEXT NOT NULL
) STRICT;
CREATE TABLE messages (
    id                 INTEGER PRIMARY KEY,   -- in order of sending
    queue_id           INTEGER NOT NULL,
    visible_at         INTEGER NOT NULL,
    sent_at            INTEGER NOT NULL,
    message_id         TEXT NOT NULL,
    body               TEXT NOT NULL,
    body_md5           TEXT NOT NULL,
    attributes         TEXT,                  -- JSON
    system_attributes  TEXT,                  -- JSON
    receive_count      INTEGER NOT NULL,
    first_received_at  INTEGER,
    receipt            TEXT NOT NULL
, group_id TEXT NOT NULL DEFAULT '', deduplication_id TEXT NOT NULL DEFAULT '', received_at INTEGER, seal TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX messages_by_age ON messages (queue_id, sent_at);
CREATE INDEX messages_by_visibility ON messages (queue_id, visible_at, id, receive_count);
CREATE TABLE message_groups (
    queue_id  INTEGER NOT NULL,
    group_id  TEXT NOT NULL,
    ready_at  INTEGER NOT NULL,      -- its first message is not visible before
    head      INTEGER NOT NULL, waiting TEXT NOT NULL DEFAULT '', has_parts INTEGER NOT NULL DEFAULT 0,      -- no message of it has a lower number
    PRIMARY KEY (queue_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_groups_by_readiness ON message_groups (queue_id, ready_at, head);
CREATE TABLE receive_attempts (
    queue_id  INTEGER NOT NULL,
    id        TEXT NOT NULL,
    messages  TEXT NOT NULL,         -- JSON: number and receipt of each
    expires   INTEGER NOT NULL, until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX receive_attempts_by_age ON receive_attempts (queue_id, expires);
CREATE TABLE deleted_queues (
    arn      TEXT PRIMARY KEY,
    deleted  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE message_move_tasks (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL,
    source       TEXT NOT NULL,
    destination  TEXT NOT NULL,      -- empty: each message to the queue that it came from
    rate         INTEGER NOT NULL,   -- messages a second; 0: as fast as it goes
    status       TEXT NOT NULL,
    moved        INTEGER NOT NULL,
    to_move      INTEGER NOT NULL,
    started      INTEGER NOT NULL,
    failure      TEXT NOT NULL
) STRICT;
CREATE INDEX message_move_tasks_by_source ON message_move_tasks (source, number);
CREATE TABLE topics (
    arn                    TEXT PRIMARY KEY,
    scope                  TEXT NOT NULL,        -- account/region
    name                   TEXT NOT NULL,
    created                INTEGER NOT NULL,
    attributes             TEXT NOT NULL,        -- JSON
    tags                   TEXT NOT NULL,        -- JSON
    deleted_subscriptions  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX topics_by_scope ON topics (scope, arn);
CREATE TABLE subscriptions (
    arn         TEXT PRIMARY KEY,
    topic       TEXT NOT NULL,
    scope       TEXT NOT NULL,                   -- account/region
    protocol    TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    owner       TEXT NOT NULL,
    token       TEXT NOT NULL,
    confirmed   INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    attributes  TEXT NOT NULL                    -- JSON
, authenticated INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE INDEX subscriptions_by_topic ON subscriptions (topic, arn);
CREATE INDEX subscriptions_by_endpoint ON subscriptions (topic, endpoint, protocol, arn);
CREATE INDEX subscriptions_by_scope ON subscriptions (scope, arn);
CREATE TABLE mails (
    id          INTEGER PRIMARY KEY,             -- in order of arrival
    scope       TEXT NOT NULL,                   -- account/region
    at          INTEGER NOT NULL,
    protocol    TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    topic       TEXT NOT NULL
) STRICT;
CREATE INDEX mails_by_scope ON mails (scope, id);
CREATE INDEX mails_by_recipient ON mails (scope, recipient, id);
CREATE INDEX subscriptions_by_token ON subscriptions (topic, token);
CREATE TABLE topic_sequences (
    topic       TEXT PRIMARY KEY,
    last        INTEGER NOT NULL,
    forgets     INTEGER NOT NULL,                -- a step that forgets old deduplications is on its way
    sweeps      INTEGER NOT NULL                 -- a step that shortens the archive is on its way
) STRICT, WITHOUT ROWID;
CREATE TABLE topic_deduplications (
    topic       TEXT NOT NULL,
    scope       TEXT NOT NULL,                   -- the message group, or empty when ids count for the whole topic
    id          TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    sequence    TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    PRIMARY KEY (topic, scope, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX topic_deduplications_by_expiry ON topic_deduplications (topic, expires);
CREATE TABLE archived_notifications (
    id            INTEGER PRIMARY KEY,           -- in order of publication
    topic         TEXT NOT NULL,
    at            INTEGER NOT NULL,
    notification  TEXT NOT NULL                  -- JSON
) STRICT;
CREATE INDEX archived_notifications_by_topic ON archived_notifications (topic, id);
CREATE INDEX archived_notifications_by_age ON archived_notifications (topic, at);
CREATE TABLE platform_applications (
    arn         TEXT PRIMARY KEY,
    scope       TEXT NOT NULL,                   -- account/region
    attributes  TEXT NOT NULL                    -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX platform_applications_by_scope ON platform_applications (scope, arn);
CREATE TABLE platform_endpoints (
    arn          TEXT PRIMARY KEY,
    application  TEXT NOT NULL,
    token        TEXT NOT NULL,
    attributes   TEXT NOT NULL                   -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX platform_endpoints_by_application ON platform_endpoints (application, arn);
CREATE INDEX platform_endpoints_by_token ON platform_endpoints (application, token);
CREATE TABLE sms_settings (
    scope       TEXT PRIMARY KEY,                -- account/region
    attributes  TEXT NOT NULL                    -- JSON
) STRICT, WITHOUT ROWID;
CREATE TABLE sms_opt_outs (
    scope   TEXT NOT NULL,                       -- account/region
    number  TEXT NOT NULL,
    PRIMARY KEY (scope, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE sms_sandbox_numbers (
    scope     TEXT NOT NULL,                     -- account/region
    number    TEXT NOT NULL,
    password  TEXT NOT NULL,
    verified  INTEGER NOT NULL,
    PRIMARY KEY (scope, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE signing_keys (
    name         TEXT PRIMARY KEY,               -- the certificate's, as it stands in its address
    private_key  BLOB NOT NULL,                  -- PEM
    certificate  BLOB NOT NULL                   -- PEM
) STRICT, WITHOUT ROWID;
CREATE TABLE notification_gateways (
    name         TEXT PRIMARY KEY,
    address      TEXT NOT NULL,                  -- http://host:port of this server
    mail         INTEGER NOT NULL,
    sms          INTEGER NOT NULL,
    push         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE subscription_paces (
    subscription  TEXT PRIMARY KEY,
    next          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_subscriptions (
    token         TEXT PRIMARY KEY,
    subscription  TEXT NOT NULL                  -- JSON
) STRICT, WITHOUT ROWID;
CREATE TABLE states_machines (
    arn TEXT NOT NULL PRIMARY KEY,
    id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    next_version INTEGER NOT NULL,
    logging TEXT,
    tracing TEXT,
    encryption TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_machines_of_scope ON states_machines (scope, name);
CREATE TABLE states_revisions (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    created INTEGER NOT NULL,
    logging TEXT,
    tracing TEXT,
    encryption TEXT
) STRICT;
CREATE INDEX states_revisions_of_machine ON states_revisions (machine, id);
CREATE TABLE states_versions (
    arn TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_versions_of_machine ON states_versions (machine, number);
CREATE TABLE states_aliases (
    arn TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    routing TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_aliases_of_machine ON states_aliases (machine, name);
CREATE TABLE states_activities (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    encryption TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX states_activities_of_scope ON states_activities (scope, name);
CREATE TABLE states_activity_tasks (
    id INTEGER PRIMARY KEY,
    activity TEXT NOT NULL,
    token TEXT NOT NULL,
    input TEXT NOT NULL
) STRICT;
CREATE INDEX states_tasks_of_activity ON states_activity_tasks (activity, id);
CREATE TABLE states_executions (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL,
    machine TEXT NOT NULL,
    machine_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    revision INTEGER NOT NULL,
    role_arn TEXT NOT NULL,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    input TEXT NOT NULL,
    stopped INTEGER,
    output TEXT,
    error TEXT,
    cause TEXT,
    version_arn TEXT,
    alias_arn TEXT,
    trace_header TEXT,
    parent TEXT
, redrive_count INTEGER NOT NULL DEFAULT 0, redriven INTEGER, redrive_tokens TEXT NOT NULL DEFAULT '[]', mock_case TEXT NOT NULL DEFAULT '', restarted TEXT, input_at INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX states_executions_of_machine ON states_executions (machine_id, id);
CREATE INDEX states_executions_by_status ON states_executions (machine_id, status, id);
CREATE INDEX states_executions_ended ON states_executions (type, stopped) WHERE stopped IS NOT NULL;
CREATE TABLE states_execution_arns (
    arn TEXT NOT NULL PRIMARY KEY,
    execution INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE states_frames (
    execution INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    branch INTEGER NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL,
    previous INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    entered_at INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    awaiting TEXT,
    retries TEXT NOT NULL,
    events INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    due TEXT NOT NULL, variables INTEGER NOT NULL DEFAULT 0, data_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (execution, frame)
) STRICT, WITHOUT ROWID;
CREATE TABLE states_history (
    id INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX states_history_of_execution ON states_history (execution, last);
CREATE TABLE states_sweeps (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE states_variables (
    execution INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL, value_at INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (execution, frame, name)
) STRICT, WITHOUT ROWID;
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
, redrive_count INTEGER NOT NULL DEFAULT 0, redriven INTEGER, redriving INTEGER NOT NULL DEFAULT 0, redriven_to INTEGER NOT NULL DEFAULT 0, backlogged INTEGER NOT NULL DEFAULT 0) STRICT;
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
CREATE TABLE states_mock_configuration (
    name TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE states_mock_calls (
    execution INTEGER NOT NULL,
    state TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (execution, state)
) STRICT, WITHOUT ROWID;
CREATE TABLE events_buses (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,               -- account/region
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    created INTEGER,
    modified INTEGER,
    description TEXT,
    kms_key TEXT,
    dead_letter_arn TEXT,
    log_config TEXT,                   -- JSON
    policy TEXT,                       -- JSON
    tags TEXT NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX events_buses_of_scope ON events_buses (scope, name);
CREATE TABLE events_rules (
    arn TEXT NOT NULL PRIMARY KEY,
    bus TEXT NOT NULL,                 -- ARN
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_by TEXT NOT NULL,
    pattern TEXT,                      -- as it was given
    schedule TEXT,
    schedule_due INTEGER,              -- the due row of the next firing
    description TEXT,
    role_arn TEXT,
    tags TEXT NOT NULL                 -- JSON
, managed_by TEXT, changed INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX events_rules_of_bus ON events_rules (bus, name);
CREATE TABLE events_targets (
    rule TEXT NOT NULL,                -- ARN
    id TEXT NOT NULL,
    bus TEXT NOT NULL,                 -- ARN
    rule_name TEXT NOT NULL,
    arn TEXT NOT NULL,
    members TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,             -- JSON: the target as it was given
    PRIMARY KEY (rule, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_targets_of_bus ON events_targets (bus, rule, id);
CREATE INDEX events_targets_by_arn ON events_targets (bus, arn, rule_name);
CREATE TABLE events_archives (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    bus TEXT NOT NULL,                 -- ARN
    id INTEGER NOT NULL,               -- names the archive in its events
    created INTEGER NOT NULL,
    retention_days INTEGER NOT NULL,   -- 0 keeps for ever
    event_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    description TEXT,
    pattern TEXT,
    kms_key TEXT
, state TEXT NOT NULL DEFAULT 'ENABLED', reason TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX events_archives_of_scope ON events_archives (scope, name);
CREATE INDEX events_archives_of_bus ON events_archives (bus, name);
CREATE TABLE events_archived (
    id INTEGER PRIMARY KEY,            -- in order of arrival
    archive INTEGER NOT NULL,
    at INTEGER NOT NULL,               -- the time that the event carries
    size_bytes INTEGER NOT NULL,
    body BLOB NOT NULL                 -- JSON of the event
) STRICT;
CREATE INDEX events_archived_by_time ON events_archived (archive, at, id);
CREATE TABLE events_replays (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    archive TEXT NOT NULL,             -- ARN
    bus TEXT NOT NULL,                 -- ARN
    rules TEXT NOT NULL,               -- JSON: ARNs; empty for all rules of the bus
    first INTEGER NOT NULL,            -- EventStartTime
    last INTEGER NOT NULL,             -- EventEndTime
    state TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    reached INTEGER,                   -- the time of the event replayed last
    reached_id INTEGER NOT NULL,       -- its row
    description TEXT,
    reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_replays_of_scope ON events_replays (scope, name);
CREATE TABLE events_failures (
    rule TEXT NOT NULL,                -- ARN
    metric TEXT NOT NULL,              -- AWS's name
    count INTEGER NOT NULL,
    PRIMARY KEY (rule, metric)
) STRICT, WITHOUT ROWID;
CREATE TABLE events_connections (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,               -- account/region
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    secret_arn TEXT NOT NULL,
    shown TEXT NOT NULL,               -- JSON: AuthParameters as they are described, without secrets
    sealed BLOB NOT NULL,              -- AuthParameters as they were given, encrypted
    token BLOB,                        -- the access token, encrypted
    token_until INTEGER,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    authorized INTEGER,
    reason TEXT,
    description TEXT,
    kms_key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_connections_of_scope ON events_connections (scope, name);
CREATE TABLE events_api_destinations (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    connection TEXT NOT NULL,          -- ARN
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    rate INTEGER NOT NULL,             -- calls a second
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_api_destinations_of_scope ON events_api_destinations (scope, name);
CREATE TABLE events_api_flows (
    destination TEXT NOT NULL PRIMARY KEY,
    in_flight INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    spent_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events_api_waiting (
    id INTEGER PRIMARY KEY,            -- in order of arrival
    destination TEXT NOT NULL,
    body BLOB NOT NULL                 -- JSON of the call
) STRICT;
CREATE INDEX events_api_waiting_of ON events_api_waiting (destination, id);
CREATE TABLE events_log (
    id INTEGER PRIMARY KEY,            -- the position: in order of arrival
    bus TEXT NOT NULL,                 -- ARN
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    body BLOB NOT NULL                 -- JSON: the events, in order
) STRICT;
CREATE INDEX events_log_of_bus ON events_log (bus, id);
CREATE TABLE events_attempts (
    id INTEGER PRIMARY KEY,            -- in order of happening
    log INTEGER NOT NULL,              -- the row of the event log
    places TEXT NOT NULL,              -- JSON: which of its events
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,                -- ARN
    target TEXT NOT NULL,              -- its id
    target_arn TEXT NOT NULL,
    outcome TEXT NOT NULL,             -- DELIVERED, AGAIN, SENT_TO_DLQ, DROPPED
    retries INTEGER NOT NULL,
    code TEXT,                         -- why it failed
    message TEXT,
    next_at INTEGER                    -- when it is tried again
, made TEXT NOT NULL DEFAULT '[]') STRICT;
CREATE INDEX events_attempts_of_log ON events_attempts (log, id);
CREATE TABLE events_sweeps (
    name TEXT NOT NULL PRIMARY KEY,
    planned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events_endpoints (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    health_check TEXT NOT NULL,
    secondary TEXT NOT NULL,           -- region
    replicates INTEGER NOT NULL,
    buses TEXT NOT NULL,               -- JSON: ARNs, the first in the home region
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    description TEXT,
    role_arn TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX events_endpoints_of_scope ON events_endpoints (scope, name);
CREATE UNIQUE INDEX events_endpoints_by_id ON events_endpoints (endpoint_id);
CREATE TABLE events_partner_sources (
    arn TEXT NOT NULL,
    account TEXT NOT NULL,             -- the customer's
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    partner TEXT NOT NULL,             -- account
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (region, name, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_partner_sources_of_partner ON events_partner_sources (partner, region, name, account);
CREATE INDEX events_partner_sources_of_customer ON events_partner_sources (account, region, name);
CREATE TABLE log_delivery_sources (
    scope TEXT NOT NULL,                  -- account/region
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    service TEXT NOT NULL,
    log_type TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_delivery_sources_of_resource ON log_delivery_sources (scope, resource, log_type);
CREATE TABLE log_delivery_destinations (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    group_arn TEXT NOT NULL,
    output_format TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    source TEXT NOT NULL,
    destination_arn TEXT NOT NULL,
    resource TEXT NOT NULL,
    log_type TEXT NOT NULL,
    group_arn TEXT NOT NULL,
    record_fields TEXT NOT NULL,
    field_delimiter TEXT,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX log_deliveries_of_scope ON log_deliveries (scope, id);
CREATE INDEX log_deliveries_of_resource ON log_deliveries (resource, id);
CREATE TABLE metric_alarms (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,                  -- account/region
    name TEXT NOT NULL,
    members TEXT NOT NULL,                -- JSON: what PutMetricAlarm was given
    updated INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_data TEXT NOT NULL,
    state_updated INTEGER NOT NULL,
    state_changed INTEGER NOT NULL,
    revision INTEGER NOT NULL,            -- the due row of another revision ends
    actions_enabled INTEGER NOT NULL,
    tags TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_alarms_of_scope ON metric_alarms (scope, name);
CREATE TABLE metric_alarm_history (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX metric_alarm_history_of_scope ON metric_alarm_history (scope, id);
CREATE INDEX metric_alarm_history_of_alarm ON metric_alarm_history (scope, name, id);
CREATE INDEX metric_alarm_history_by_age ON metric_alarm_history (at);
CREATE TABLE lambda_functions (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    next_version INTEGER NOT NULL,
    reserved_concurrency INTEGER,
    tags TEXT NOT NULL,
    created INTEGER
, recursion TEXT NOT NULL DEFAULT 'Terminate', code_signing TEXT) STRICT, WITHOUT ROWID;
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
    further TEXT NOT NULL, becoming TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (function, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_versions_by_number ON lambda_versions (function, number);
CREATE INDEX lambda_versions_by_code ON lambda_versions (code);
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
    modified INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'READY', reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;
CREATE TABLE lambda_policies (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    statements TEXT NOT NULL,
    revision TEXT NOT NULL, head TEXT NOT NULL DEFAULT '{}',
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
, stream TEXT, metrics TEXT NOT NULL DEFAULT '[]', further TEXT NOT NULL DEFAULT '{}') STRICT, WITHOUT ROWID;
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
    since INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (mapping, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_functions_by_code_signing ON lambda_functions (code_signing, arn);
CREATE TABLE lambda_urls (
    function TEXT NOT NULL,
    qualifier TEXT NOT NULL,             -- "" for the function itself
    url_id TEXT NOT NULL,
    auth TEXT NOT NULL,
    invoke_mode TEXT NOT NULL,
    cors TEXT,                           -- JSON
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (function, qualifier)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lambda_urls_by_id ON lambda_urls (url_id);
CREATE TABLE lambda_code_signing (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT NOT NULL,
    publishers TEXT NOT NULL,            -- JSON
    policy TEXT NOT NULL,
    modified INTEGER NOT NULL,
    tags TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_code_signing_of_scope ON lambda_code_signing (scope, arn);
CREATE TABLE lambda_lanes (
    mapping TEXT NOT NULL,
    lane INTEGER NOT NULL,
    after INTEGER NOT NULL,              -- everything of this lane up to this record is done
    busy INTEGER NOT NULL,               -- a call is under way
    awake INTEGER NOT NULL,              -- a look at the stream is due
    pending TEXT NOT NULL,               -- JSON: parts of a batch that are tried again
    until INTEGER,                       -- the batch that is being gathered goes out then
    window INTEGER,                      -- the tumbling window that is open began then
    state TEXT NOT NULL, look_at INTEGER,                 -- JSON: its state
    PRIMARY KEY (mapping, lane)
) STRICT, WITHOUT ROWID;
CREATE TABLE lambda_layer_numbers (
    layer TEXT NOT NULL PRIMARY KEY,
    next_version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE log_groups (
    arn TEXT NOT NULL PRIMARY KEY,
    id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    tags TEXT NOT NULL,
    retention_days INTEGER,
    kms_key_id TEXT,
    log_class TEXT NOT NULL,
    sweep INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX log_groups_of_scope ON log_groups (scope, name);
CREATE TABLE log_group_ids (
    id INTEGER PRIMARY KEY,
    arn TEXT NOT NULL
) STRICT;
CREATE TABLE log_streams (
    group_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    ingested INTEGER,
    stored_bytes INTEGER NOT NULL,
    PRIMARY KEY (group_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_streams_by_time ON log_streams (group_id, coalesce(last_at, 0), name);
CREATE TABLE log_chunks (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    stream TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    ingested INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    events TEXT NOT NULL
) STRICT;
CREATE INDEX log_chunks_of_group ON log_chunks (group_id, first_at, id);
CREATE INDEX log_chunks_of_stream ON log_chunks (group_id, stream, first_at, id);
CREATE TABLE lambda_paces (
    mapping TEXT NOT NULL PRIMARY KEY,
    level INTEGER NOT NULL,
    held_until INTEGER,                  -- it does not grow before
    look_at INTEGER                      -- a look whether it may grow is due then
) STRICT, WITHOUT ROWID;
CREATE TABLE lambda_code_keys (
    name TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE item_tables (
    arn         TEXT PRIMARY KEY,
    scope       TEXT NOT NULL,           -- account/region
    name        TEXT NOT NULL,
    definition  TEXT NOT NULL,           -- JSON, core/tables/schema.py
    tags        TEXT NOT NULL            -- JSON
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX item_tables_by_name ON item_tables (scope, name);
CREATE TABLE item_table_ids (
    id   INTEGER PRIMARY KEY,
    arn  TEXT NOT NULL
) STRICT;
CREATE TABLE items (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,        -- empty in a table without sort keys
    item           BLOB NOT NULL,        -- JSON, all attributes
    size           INTEGER NOT NULL,     -- as DynamoDB counts it
    expires_at     INTEGER,              -- seconds since the epoch, where the table has a time to live
    PRIMARY KEY (table_id, partition_key, sort_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_expiry ON items (table_id, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entries (
    index_id        INTEGER NOT NULL,
    partition_key   BLOB NOT NULL,
    sort_key        BLOB NOT NULL,
    item_partition  BLOB NOT NULL,
    item_sort       BLOB NOT NULL,
    item            BLOB NOT NULL,       -- JSON
    size            INTEGER NOT NULL,
    PRIMARY KEY (index_id, partition_key, sort_key, item_partition, item_sort)
) STRICT, WITHOUT ROWID;
CREATE TABLE item_counts (
    id     INTEGER PRIMARY KEY,          -- of the table or index
    items  INTEGER NOT NULL,
    bytes  INTEGER NOT NULL
) STRICT;
CREATE TABLE item_expiries (
    table_id  INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    due_id    INTEGER NOT NULL
) STRICT;
CREATE TABLE transaction_tokens (
    token     TEXT PRIMARY KEY,          -- account/region/token
    request   BLOB NOT NULL,             -- a digest
    until     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_tokens_by_age ON transaction_tokens (until);
CREATE TABLE item_streams (
    arn         TEXT PRIMARY KEY,
    id          INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    table_name  TEXT NOT NULL,
    label       TEXT NOT NULL,
    view        TEXT NOT NULL,
    key         TEXT NOT NULL,           -- JSON, the table's key
    created     INTEGER NOT NULL,
    first       INTEGER NOT NULL,        -- the sequence number before the first record's
    last        INTEGER,                 -- the one behind the last record's, when it was turned off
    disabled    INTEGER
, shards TEXT NOT NULL DEFAULT '[]') STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX item_streams_by_table ON item_streams (scope, table_name, arn);
CREATE TABLE stream_records (
    id         INTEGER PRIMARY KEY,
    stream_id  INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT NOT NULL,            -- INSERT, MODIFY, REMOVE
    keys       BLOB NOT NULL,            -- JSON
    old        BLOB,                     -- JSON
    new        BLOB,                     -- JSON
    size       INTEGER NOT NULL,
    expired    INTEGER NOT NULL          -- by its time to live
) STRICT;
CREATE INDEX stream_records_by_stream ON stream_records (stream_id, id);
CREATE TABLE item_collections (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    bytes          INTEGER NOT NULL,     -- of the items and their entries in local indexes
    PRIMARY KEY (table_id, partition_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE item_changes (
    id             INTEGER PRIMARY KEY,
    table_id       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,
    before         BLOB,                 -- JSON; NULL: there was no item
    size           INTEGER NOT NULL
) STRICT;
CREATE INDEX item_changes_by_item ON item_changes (table_id, partition_key, sort_key, id);
CREATE TABLE item_backups (
    arn         TEXT PRIMARY KEY,
    number      INTEGER NOT NULL,
    scope       TEXT NOT NULL,           -- account/region
    table_arn   TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,           -- USER, SYSTEM
    status      TEXT NOT NULL,           -- CREATING, AVAILABLE
    created     INTEGER NOT NULL,
    expires     INTEGER,
    definition  TEXT NOT NULL,           -- JSON, the table as it was
    items       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX item_backups_by_scope ON item_backups (scope, arn);
CREATE TABLE item_transfers (
    arn        TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,            -- EXPORT, IMPORT
    scope      TEXT NOT NULL,            -- account/region
    table_arn  TEXT NOT NULL,
    token      TEXT NOT NULL,
    request    BLOB NOT NULL,            -- a digest
    started    INTEGER NOT NULL,
    ended      INTEGER,
    status     TEXT NOT NULL,            -- IN_PROGRESS, COMPLETED, FAILED
    details    TEXT NOT NULL             -- JSON, what the API describes
) STRICT, WITHOUT ROWID;
CREATE INDEX item_transfers_by_scope ON item_transfers (scope, kind, arn);
CREATE INDEX item_transfers_by_token ON item_transfers (scope, kind, token);
CREATE TABLE item_versions (
    table_id       INTEGER NOT NULL,
    partition_key  BLOB NOT NULL,
    sort_key       BLOB NOT NULL,
    at             INTEGER NOT NULL,
    region         TEXT NOT NULL,
    PRIMARY KEY (table_id, partition_key, sort_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE item_policies (
    arn       TEXT PRIMARY KEY,
    policy    TEXT NOT NULL,             -- JSON, as it was given
    revision  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE item_throughputs (
    id     INTEGER PRIMARY KEY,          -- of the table or index
    read   REAL NOT NULL,
    write  REAL NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX item_changes_by_time ON item_changes (table_id, at, id);
CREATE TABLE cloudformation_stacks (
    arn           TEXT PRIMARY KEY,
    scope         TEXT NOT NULL,       -- account/region
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    original      TEXT NOT NULL,
    template      TEXT NOT NULL,
    reason        TEXT,
    description   TEXT,
    given         TEXT NOT NULL,       -- JSON
    capabilities  TEXT NOT NULL,       -- JSON
    tags          TEXT NOT NULL,       -- JSON
    outputs       TEXT NOT NULL,       -- JSON
    role_arn      TEXT,
    change_set    TEXT,
    protected     INTEGER NOT NULL,
    updated       INTEGER,
    deleted       INTEGER
) STRICT;
CREATE INDEX cloudformation_stacks_by_age ON cloudformation_stacks (scope, created, arn);
CREATE TABLE cloudformation_stack_names (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    arn    TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE cloudformation_resources (
    stack            TEXT NOT NULL,
    logical_id       TEXT NOT NULL,
    type             TEXT NOT NULL,
    physical_id      TEXT NOT NULL,
    reference        TEXT NOT NULL,
    properties       TEXT NOT NULL,    -- JSON
    attributes       TEXT NOT NULL,    -- JSON
    needs            TEXT NOT NULL,    -- JSON
    status           TEXT NOT NULL,
    updated          INTEGER NOT NULL,
    deletion_policy  TEXT NOT NULL,
    replace_policy   TEXT NOT NULL,
    metadata         TEXT NOT NULL,    -- JSON
    PRIMARY KEY (stack, logical_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cloudformation_resources_by_physical_id ON cloudformation_resources (physical_id, stack, logical_id);
CREATE TABLE cloudformation_events (
    id           INTEGER PRIMARY KEY,
    stack        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    logical_id   TEXT NOT NULL,
    physical_id  TEXT NOT NULL,
    type         TEXT NOT NULL,
    status       TEXT NOT NULL,
    reason       TEXT,
    token        TEXT
) STRICT;
CREATE INDEX cloudformation_events_of_stack ON cloudformation_events (stack, id);
CREATE TABLE cloudformation_exports (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    stack  TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX cloudformation_exports_of_stack ON cloudformation_exports (stack, name);
CREATE TABLE cloudformation_imports (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    stack  TEXT NOT NULL,
    PRIMARY KEY (scope, name, stack)
) STRICT, WITHOUT ROWID;
CREATE INDEX cloudformation_imports_of_stack ON cloudformation_imports (stack, name);
CREATE TABLE cloudformation_change_sets (
    arn               TEXT PRIMARY KEY,
    scope             TEXT NOT NULL,
    stack             TEXT NOT NULL,
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    status            TEXT NOT NULL,
    execution_status  TEXT NOT NULL,
    created           INTEGER NOT NULL,
    original          TEXT NOT NULL,
    template          TEXT NOT NULL,
    given             TEXT NOT NULL,   -- JSON
    capabilities      TEXT NOT NULL,   -- JSON
    tags              TEXT,            -- JSON
    changes           TEXT NOT NULL,   -- JSON
    reason            TEXT,
    description       TEXT,
    role_arn          TEXT
) STRICT;
CREATE INDEX cloudformation_change_sets_of_stack ON cloudformation_change_sets (stack, arn);
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
CREATE TABLE s3_buckets (
    name TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created INTEGER NOT NULL,
    tags TEXT NOT NULL,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_buckets_of_account ON s3_buckets (account, name);
CREATE TABLE s3_objects (
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    body INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    checksums TEXT NOT NULL,
    tags TEXT NOT NULL,
    parts INTEGER NOT NULL,
    PRIMARY KEY (bucket, object_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE s3_bodies (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    composed INTEGER NOT NULL
) STRICT;
CREATE TABLE s3_pieces (
    body INTEGER NOT NULL,
    start INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE s3_segments (
    body INTEGER NOT NULL,
    start INTEGER NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    part INTEGER NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_segments_by_number ON s3_segments (body, number);
CREATE TABLE s3_uploads (
    id TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    started INTEGER NOT NULL,
    headers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum TEXT NOT NULL,
    checksum_type TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX s3_uploads_of_bucket ON s3_uploads (bucket, object_key, id);
CREATE TABLE s3_parts (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    body INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksums TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE queue_counts (
    queue_id  INTEGER NOT NULL,
    node      INTEGER NOT NULL,      -- 0 where one process owns the store
    messages  INTEGER NOT NULL,      -- sent here less deleted here; the sum over nodes is the depth
    claimed   INTEGER NOT NULL,      -- the sum is at least what is in flight
    PRIMARY KEY (queue_id, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE queue_forgets (
    queue_id  INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL
) STRICT;
CREATE TABLE events_archive_counts (
    archive  INTEGER NOT NULL,       -- its id
    node     INTEGER NOT NULL,       -- 0 where one process owns the store
    events   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (archive, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE states_texts (
    id INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE lambda_wakes (
    mapping TEXT NOT NULL,
    node    INTEGER NOT NULL,            -- 0 where one process owns the store
    awake   INTEGER NOT NULL,
    PRIMARY KEY (mapping, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE "metric_series" (
    id          INTEGER NOT NULL,         -- from the hash of all that names it: the same on every node
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    name        TEXT NOT NULL,
    dimensions  TEXT NOT NULL,            -- JSON: [["RuleName", "placed"], ...], sorted by name
    unit        TEXT NOT NULL,
    PRIMARY KEY (id, node)
) STRICT;
CREATE INDEX metric_series_by_name ON metric_series (account, region, namespace, name, id, node);
CREATE TABLE rates (
    scope       TEXT NOT NULL,            -- account/region
    name        TEXT NOT NULL,
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    spent_until INTEGER NOT NULL,
    sharers     INTEGER NOT NULL,         -- nodes that spent of this rate when they were counted
    counted_at  INTEGER NOT NULL,
    PRIMARY KEY (scope, name, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE "item_count_deltas" (
    number  INTEGER NOT NULL,            -- of the table or index
    at      INTEGER NOT NULL,            -- the batch's instant
    node    INTEGER NOT NULL DEFAULT 0,
    items   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (number, at, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE message_group_parts (
    queue_id  INTEGER NOT NULL,
    group_id  TEXT NOT NULL,
    first     INTEGER NOT NULL,      -- where it began when it was put aside; parts are read in this order
    last      INTEGER NOT NULL,
    numbers   TEXT NOT NULL,         -- with a space between
    PRIMARY KEY (queue_id, group_id, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_group_parts_by_last ON message_group_parts (queue_id, last);
CREATE TABLE "deduplications" (
    queue_id    INTEGER NOT NULL,
    id          TEXT NOT NULL,
    scope       TEXT NOT NULL,
    message     INTEGER NOT NULL,    -- its number
    message_id  TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    PRIMARY KEY (queue_id, id, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE states_open (
    scope       TEXT NOT NULL,            -- account/region
    node        INTEGER NOT NULL,         -- 0 where one process owns the store
    executions  INTEGER NOT NULL,         -- of Standard machines, children of Map Runs among them
    map_runs    INTEGER NOT NULL,
    others      INTEGER NOT NULL,         -- executions of the other rows, when this node last looked
    looked_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE states_last_places (
    scope       TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE states_map_backlog (
    scope       TEXT NOT NULL,
    run         INTEGER NOT NULL,
    PRIMARY KEY (scope, run)
) STRICT, WITHOUT ROWID;
CREATE TABLE lambda_capacity_providers (
    arn TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    config TEXT NOT NULL,                -- JSON, as the API shows it
    modified INTEGER NOT NULL,
    tags TEXT NOT NULL                   -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX lambda_capacity_providers_of_scope ON lambda_capacity_providers (scope, arn);
CREATE TABLE deduplication_calls (
    queue_id  INTEGER NOT NULL,
    first     INTEGER NOT NULL,      -- its first message
    expires   INTEGER NOT NULL,
    ids       TEXT NOT NULL,         -- scope and id of each, with a space between
    PRIMARY KEY (queue_id, first)
) STRICT, WITHOUT ROWID;
INSERT INTO schema_migrations VALUES
('0001_due.sql'),
('0004_metrics.sql'),
('0010_sqs.sql'),
('0011_sqs_complete.sql'),
('0020_sns.sql'),
('0021_sns_complete.sql'),
('0022_message_seals.sql'),
('0030_states.sql'),
('0031_states_variables.sql'),
('0032_map_runs.sql'),
('0033_states_redrive.sql'),
('0034_states_mock_calls.sql'),
('0037_states_restart.sql'),
('0039_states_map_redrive.sql'),
('0040_events.sql'),
('0041_events_connections.sql'),
('0042_events_log.sql'),
('0043_events_endpoints.sql'),
('0044_events_target_order.sql'),
('0045_log_deliveries.sql'),
('0046_events_rates.sql'),
('0047_metric_spreads_and_alarms.sql'),
('0049_events_why.sql'),
('0050_lambda.sql'),
('0051_lambda_complete.sql'),
('0055_logs.sql'),
('0056_lambda_paces.sql'),
('0057_lambda_code_keys.sql'),
('0060_dynamodb.sql'),
('0061_dynamodb_streams.sql'),
('0062_dynamodb_counts.sql'),
('0063_dynamodb_changes.sql'),
('0064_dynamodb_replicas.sql'),
('0065_dynamodb_change_times.sql'),
('0066_dynamodb_shards.sql'),
('0070_cloudformation.sql'),
('0075_apigateway.sql'),
('0080_iam.sql'),
('0090_s3.sql'),
('0105_lambda_policy_heads.sql'),
('0200_follow_again.sql'),
('0201_queue_counts.sql'),
('0202_archive_counts.sql'),
('0210_states_texts.sql'),
('0240_lambda_wakes.sql'),
('0241_metric_series_of_nodes.sql'),
('0242_rates_of_nodes.sql'),
('0268_item_count_nodes.sql'),
('0270_group_lists.sql'),
('0271_deduplications_by_id.sql'),
('0280_states_open.sql'),
('0325_mapping_sources.sql'),
('0326_capacity_providers.sql'),
('0340_attempts_until.sql'),
('0350_deduplication_calls.sql');
