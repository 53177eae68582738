-- Topics and who listens to them.
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
) STRICT, WITHOUT ROWID;

-- Serves a publish: the topic's subscriptions, a page at a time.
CREATE INDEX subscriptions_by_topic ON subscriptions (topic, arn);
-- Serves Subscribe: is this endpoint there already?
CREATE INDEX subscriptions_by_endpoint ON subscriptions (topic, endpoint, protocol, arn);
CREATE INDEX subscriptions_by_scope ON subscriptions (scope, arn);

-- The local mailbox: mails and short messages that would have left the machine.
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
