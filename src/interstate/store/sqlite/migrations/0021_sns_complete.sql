-- FIFO topics, archives, mobile push, short messages, signatures.
ALTER TABLE subscriptions ADD COLUMN authenticated INTEGER NOT NULL DEFAULT 0;

-- Serves ConfirmSubscription.
CREATE INDEX subscriptions_by_token ON subscriptions (topic, token);

-- What a FIFO topic counts; one row a topic.
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

-- With which this instance signs notifications; one row.
CREATE TABLE signing_keys (
    name         TEXT PRIMARY KEY,               -- the certificate's, as it stands in its address
    private_key  BLOB NOT NULL,                  -- PEM
    certificate  BLOB NOT NULL                   -- PEM
) STRICT, WITHOUT ROWID;

-- How this server is reached, and who takes its mails and short messages; one row, written at each start.
CREATE TABLE notification_gateways (
    name         TEXT PRIMARY KEY,
    address      TEXT NOT NULL,                  -- http://host:port of this server
    mail         INTEGER NOT NULL,
    sms          INTEGER NOT NULL,
    push         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a subscription that is throttled may be told next.
CREATE TABLE subscription_paces (
    subscription  TEXT PRIMARY KEY,
    next          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the address in an UnsubscribeConfirmation can bring back.
CREATE TABLE ended_subscriptions (
    token         TEXT PRIMARY KEY,
    subscription  TEXT NOT NULL                  -- JSON
) STRICT, WITHOUT ROWID;
