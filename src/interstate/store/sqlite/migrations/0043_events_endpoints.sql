-- Global endpoints: two buses of one name in two regions.
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

-- Partner event sources: made by a partner for one account, matched with a bus by that account.
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

ALTER TABLE events_rules ADD COLUMN managed_by TEXT;
ALTER TABLE events_archives ADD COLUMN state TEXT NOT NULL DEFAULT 'ENABLED';
ALTER TABLE events_archives ADD COLUMN reason TEXT;
